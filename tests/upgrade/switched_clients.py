"""Clients of a store whose server is changed under them: switched_clients.py PLACE SETUP.

PLACE is a file with the connection of the server that is to be used, read before each connection. It may be replaced at
any time; where it is empty, the clients end. SETUP is a JSON object: client, secret, users. Each client refreshes its
tokens over and over, and writes a row of public.orders in the same transaction. After an error it connects anew, and
repeats the call with the tokens that it had. Prints a JSON object at the end: the numbers of the rows that were
acknowledged, client by client, the errors by their text, and the last access tokens."""

import collections
import json
import sys
import threading
import time

import psycopg


def client(number, place, setup, found):
    """Until there is no place any more."""
    acknowledged, errors, refresh_token, access_token, n = [], collections.Counter(), None, None, 0
    while True:
        with open(place, encoding="utf-8") as file:
            where = file.read().strip()
        if not where:
            break
        try:
            with psycopg.connect(where, connect_timeout=5) as session:
                while True:
                    n += 1
                    if refresh_token is None:
                        answer = session.execute(
                            "SELECT access_token, refresh_token, error FROM auth_store.token_issue(%s, %s, 'orders')",
                            (setup["client"], setup["users"][number])).fetchone()
                    else:
                        answer = session.execute(
                            "SELECT access_token, refresh_token, error FROM auth_store.token_refresh(%s, %s, "
                            "client_secret => %s)", (refresh_token, setup["client"], setup["secret"])).fetchone()
                    session.execute("INSERT INTO public.orders (client, n) VALUES (%s, %s)", (number, n))
                    session.commit()
                    if answer[2] is not None:
                        found[number] = {"refused": answer[2]}
                        return
                    access_token, refresh_token = answer[:2]
                    acknowledged.append(n)
                    with open(place, encoding="utf-8") as file:
                        if file.read().strip() != where:
                            break
                    time.sleep(0.01)
        except psycopg.Error as error:
            errors[str(error).split("\n", 1)[0].split("failed: ")[-1]] += 1
            time.sleep(0.05)
    found[number] = {"acknowledged": acknowledged, "errors": errors, "access_token": access_token}


def main():
    place, setup = sys.argv[1], json.loads(sys.argv[2])
    found = [None] * len(setup["users"])
    threads = [threading.Thread(target=client, args=(number, place, setup, found))
               for number in range(len(setup["users"]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(found))


main()

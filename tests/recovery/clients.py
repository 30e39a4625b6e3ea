"""Applications under load, which find the shard by the bucket, and of its servers the one that takes writes."""

import json
import threading
import time

import psycopg2

from programs import WORK, wait_for
from routing import Shards, id_bucket, token_bucket
from servers import connect

ISSUE = "SELECT access_token, refresh_token FROM auth_store.token_issue('app', %s)"
REFRESH = "SELECT access_token, refresh_token, error FROM auth_store.token_refresh(%s, 'app')"
REDEEM = """SELECT access_token, refresh_token, error
              FROM auth_store.code_redeem(%s, 'app', code_verifier => %s)"""
CODE = "auth_store.code_issue('app', %s, code_challenge => auth_store.pkce_challenge(%s), ttl => '10 min')"
VERIFIER = "a-code-verifier-of-43-to-128-characters-as-RFC-7636-says"


def register(server, client_id="app"):
    server.ask("SELECT auth_store.client_create('App', '{https://app.example/cb}', client_id => %s, "
               "client_type => 'public')", client_id)


def user(server, name="ada"):
    return server.ask("SELECT auth_store.user_ensure(%s)", name)


def issue(server, user_id=None):
    """A refresh token of a new family."""
    return server.ask(ISSUE, user_id or user(server))[1]


def refresh(server, token):
    """The successor, or the error."""
    _, successor, error = server.ask(REFRESH, token)
    return successor or error


def flagged(server, flag):
    """The number of families with this flag in the trail."""
    return server.ask("SELECT count(DISTINCT grant_id) FROM auth_store.audit_log WHERE flags @> ARRAY[%s]", flag)


class Map:
    """What an application knows of its shards: from which bucket on which servers have what it asks for."""

    def __init__(self, shards):
        self.shards, self.file = shards, f"{WORK}/map.json"
        with open(self.file, "w", encoding="utf-8") as file:
            json.dump([[first, str(first)] for first in sorted(shards)], file)

    def connections(self):
        return Shards(self.file, lambda first: connect(*self.shards[int(first)]))


class Client(threading.Thread):
    """Calls again and again. A call without an answer is repeated as it is: nobody knows whether it was done."""

    # Seconds between two calls.
    pause = 0.01

    def __init__(self, known):
        super().__init__(daemon=True)
        self.shards, self.answered, self.refused, self.unanswered = known.connections(), 0, [], []
        self.is_over = threading.Event()

    def call(self):
        """The next call: the bucket, a statement and its values."""
        raise NotImplementedError

    def answer(self, row):
        """What to do with its answer."""
        raise NotImplementedError

    def run(self):
        while not self.is_over.is_set() and not self.refused:
            row = self.ask(*self.call())
            if row:
                self.answered += 1
                self.answer(row)
            time.sleep(self.pause if row else 0.2)

    def ask(self, bucket, statement, values):
        """The answer, if there is one."""
        try:
            connection = self.shards.of(bucket)
        except psycopg2.Error:
            self.unanswered.append("a connection")
            return None
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchone()
        except psycopg2.Error:
            connection.close()
            self.unanswered.append(statement)
            return None

    def end(self):
        self.is_over.set()
        self.join(60)


class Refresher(Client):
    """Refreshes the tokens of one family."""

    def __init__(self, known, token):
        super().__init__(known)
        self.token, self.access_token = token, None

    def call(self):
        return token_bucket(self.token), REFRESH, [self.token]

    def answer(self, row):
        access_token, token, error = row
        if error:
            self.refused.append(error)
        else:
            self.access_token, self.token = access_token, token


class Issuer(Client):
    """Issues tokens to a user."""

    def __init__(self, known, user_id):
        super().__init__(known)
        self.user_id, self.tokens = user_id, []

    def call(self):
        return id_bucket(self.user_id), ISSUE, [self.user_id]

    def answer(self, row):
        self.tokens.append(row)


class Redeemer(Client):
    """Redeems codes, each until it has an answer."""

    pause = 0.05

    def __init__(self, known, codes):
        super().__init__(known)
        self.codes, self.tokens, self.not_redeemed = iter(codes), {}, []
        self.code = next(self.codes)

    def call(self):
        return token_bucket(self.code), REDEEM, [self.code, VERIFIER]

    def answer(self, row):
        access_token, token, error = row
        if error:
            self.not_redeemed.append(self.code)
        else:
            self.tokens[self.code] = (access_token, token)
        self.code = next(self.codes)


def wait_for_answers(clients, count):
    """Until each has so many more."""
    before = [client.answered for client in clients]
    wait_for("clients", lambda: all(client.refused or client.answered >= n + count
                                    for client, n in zip(clients, before)))

"""What every test here stands on: checks, programs with their logs, and a network between two of them that breaks."""

import select
import signal
import socket
import subprocess
import sys
import threading
import time

import psycopg2

WORK, BINDIR = sys.argv[1:3]
failed = []


def check(found, expected, name):
    is_right = found == expected
    print(f"{'ok' if is_right else 'not ok'} {name}" + ("" if is_right else f": {found!r}, not {expected!r}"),
          flush=True)
    if not is_right:
        failed.append(name)


def run(*command):
    done = subprocess.run(command, cwd=WORK, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"not ok {' '.join(command)}\n{done.stdout}{done.stderr}")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for(what, is_so, seconds=180):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if is_so():
                return
        except (OSError, psycopg2.Error):
            pass
        time.sleep(0.2)
    raise SystemExit(f"not ok {what}: not within {seconds} s")


class Program:
    """A program that writes to a log."""

    def __init__(self, name, *command, environment=None):
        self.log = f"{WORK}/{name}.log"
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, cwd=WORK, stdout=log, stderr=log, env=environment,
                                            start_new_session=True)

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)

    def said(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()


class Link(threading.Thread):
    """A way to a port of this machine that loses what is sent, in one direction or both, and tells neither side."""

    def __init__(self, to_port):
        super().__init__(daemon=True)
        self.to_port = to_port
        self.loses_there, self.loses_back = threading.Event(), threading.Event()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.start()

    def run(self):
        while True:
            near, _ = self.listening.accept()
            threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near):
        with near:
            try:
                with socket.create_connection(("127.0.0.1", self.to_port)) as far:
                    ways = {near: (far, self.loses_there), far: (near, self.loses_back)}
                    while True:
                        for come_from in select.select(list(ways), [], [])[0]:
                            data = come_from.recv(65536)
                            if not data:
                                return
                            to, is_lost = ways[come_from]
                            if not is_lost.is_set():
                                to.sendall(data)
            except OSError:
                return

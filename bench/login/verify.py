"""password_verify() beside the bare call of the crate that it stands on, and beside argon2-cffi. One call of each in
turn, so that a busy machine slows all of them; prints the medians and their ratios.

    verify.py PROGRAM CALLS       PROGRAM is auth_store_bench_login; the database has the extension
"""
import statistics
import subprocess
import sys
import time

from argon2 import PasswordHasher

PASSWORD = "correct horse"
SETUP = f"""
SELECT user_id FROM auth_store.user_create('verify@login.example', password => '{PASSWORD}') \\gset
CREATE FUNCTION pg_temp.seconds(who uuid) RETURNS float LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
BEGIN
    IF (SELECT ok FROM auth_store.password_verify(who, '{PASSWORD}')) IS NOT TRUE THEN RAISE 'refused'; END IF;
    RETURN extract(epoch FROM clock_timestamp() - began);
END $$;
SELECT hash FROM auth_store.passwords WHERE user_id = :'user_id';
"""
SERVER = "SELECT pg_temp.seconds(:'user_id');\n"


def start(*command):
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)


def ask(process, line):
    process.stdin.write(line)
    process.stdin.flush()
    return process.stdout.readline().strip()


def main(program, calls):
    server = start("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "postgres")
    stored = ask(server, SETUP)
    crate = start(program, stored, PASSWORD)
    hasher = PasswordHasher()

    def cffi():
        began = time.perf_counter()
        hasher.verify(stored, PASSWORD)
        return time.perf_counter() - began

    kinds = {
        "password_verify": lambda: float(ask(server, SERVER)),
        "the bare crate": lambda: float(ask(crate, "\n")),
        "argon2-cffi": cffi,
    }
    taken = {kind: [] for kind in kinds}
    for call in range(-5, calls):
        for kind, measure in kinds.items():
            seconds = measure()
            if call >= 0:
                taken[kind].append(seconds)
    for kind, seconds in taken.items():
        print(f"{kind:24} {statistics.median(seconds) * 1e6:9.0f} us, at least {min(seconds) * 1e6:.0f}")
    own = taken.pop("password_verify")
    for (kind, seconds), wanted in zip(taken.items(), (1.05, 1.0)):
        medians = statistics.median(own) / statistics.median(seconds)
        least = min(own) / min(seconds)
        print(f"password_verify / {kind}: {medians:.3f} (at most {wanted}), of the least {least:.3f}")


main(sys.argv[1], int(sys.argv[2]))

#!/bin/bash
# What becomes of a function of a passlib hash that is kept, as in a table of functions, before the hash was used.
# argon2 and bcrypt choose among other packages at the first call. bcrypt does it in place. argon2 is another class from
# then on: a function that was taken before it makes a first hash, which is right, and every later call of it is an
# AssertionError. Taking it anew at each call, or after a first one, works.
#
# passlib 1.7.4, argon2-cffi 25.1.0, bcrypt 4.0.1, 2026-11-28, seen:
#   pbkdf2_sha256, kept before: a hash, a hash
#   scrypt, kept before: a hash, a hash
#   argon2, kept before: a hash, AssertionError
#   argon2, taken at each call: a hash, a hash
#   argon2, kept after: a hash, a hash
#   bcrypt, kept before: a hash, a hash
#   bcrypt, taken at each call: a hash, a hash
#   bcrypt, kept after: a hash, a hash
#
# Needs Python (3.11 was used) with pip and venv.
set -euo pipefail

written=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet --only-binary :all: \
    passlib==1.7.4 argon2-cffi==25.1.0 bcrypt==4.0.1
cat > "$folder/hashes.py" <<'PY'
from passlib import hash as hashes


def twice(what, function):
    seen = []
    for password in ("first", "second"):
        try:
            seen.append("a hash" if function(password).startswith("$") else "something else")
        except AssertionError:
            seen.append("AssertionError")
    print(f"{what}: {', '.join(seen)}")


twice("pbkdf2_sha256, kept before", hashes.pbkdf2_sha256.hash)
twice("scrypt, kept before", hashes.scrypt.hash)
for name in ("argon2", "bcrypt"):
    twice(f"{name}, kept before", getattr(hashes, name).hash)
    twice(f"{name}, taken at each call", lambda password: getattr(hashes, name).hash(password))
    twice(f"{name}, kept after", getattr(hashes, name).hash)
PY
seen=$("$folder/venv/bin/python" "$folder/hashes.py" 2> "$folder/log")
echo "$seen"
diff <(echo "$written") <(echo "$seen") && echo "as written"

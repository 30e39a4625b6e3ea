#!/bin/bash
# What libraries of PyPI make of a JWKS in which one key is of a kind that they do not know. RFC 7517 section 5 says
# that such keys are ignored; where they are not, a provider that publishes a key of a new kind beside its good one
# takes all its tokens from those who verify with that library, and none of them can do anything about it.
#
# joserfc leaves out a key type that it does not know, and raises KeyError for a curve of a known type; PyJWT leaves
# both out. A key whose algorithm is called "Ed25519", as RFC 9864 has it, is a key for joserfc and none for PyJWT,
# which knows it as EdDSA.
#
# joserfc 1.8.0 and PyJWT 2.15.0, 2026-11-29, seen:
#   joserfc, a good key alone             1 key
#   joserfc, with an unknown curve        KeyError
#   joserfc, with an unknown key type     1 key
#   joserfc, with alg Ed25519             2 keys
#   PyJWT, a good key alone               1 key
#   PyJWT, with an unknown curve          1 key
#   PyJWT, with an unknown key type       1 key
#   PyJWT, with alg Ed25519               1 key
#
# Needs Python 3 with venv.
set -euo pipefail

written=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/python" -m pip install --quiet --disable-pip-version-check joserfc==1.8.0 'PyJWT[crypto]==2.15.0'

seen=$("$folder/python/bin/python" - <<'PY'
import jwt
from joserfc.jwk import KeySet

good = {"kty": "EC", "crv": "P-256", "kid": "1", "use": "sig", "alg": "ES256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
strange = {
    "a good key alone": None,
    "with an unknown curve": {"kty": "OKP", "crv": "Ed1", "kid": "2", "x": "AAAA"},
    "with an unknown key type": {"kty": "AKP", "kid": "2", "alg": "ML-DSA-44", "pub": "AAAA"},
    "with alg Ed25519": {"kty": "OKP", "crv": "Ed25519", "kid": "2", "alg": "Ed25519",
                         "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}
for name, read in (("joserfc", lambda keys: len(KeySet.import_key_set(keys).keys)),
                   ("PyJWT", lambda keys: len(jwt.PyJWKSet.from_dict(keys).keys))):
    for what, key in strange.items():
        try:
            count = read({"keys": [good] + [key] * (key is not None)})
            found = f"{count} key" + "s" * (count > 1)
        except Exception as error:
            found = type(error).__name__
        print(f"{name + ', ' + what:37} {found}")
PY
)
echo "$seen"
diff <(echo "$written") <(echo "$seen") && echo "as written"

"""Opens the vault as docs/reference/vault_format.md says that it is sealed, with Python's cryptography alone.

Reads JSON, bytes in hexadecimal: {"masters": {key_id: base64}, "keys": [{id, tenant_id, master_key_id, wrapped}],
"connections": [{id, tenant_id, key_id, access_token, refresh_token}]}. Writes JSON: {"keys": {id: hex},
"connections": {id: [text, text]}}.
"""

import base64, json, sys
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def place(*parts):
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def unseal(key, at, sealed):
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=at).derive(key)
    return AESGCM(derived).decrypt(sealed[:12], sealed[12:], at)


given = json.load(sys.stdin)
keys, connections = {}, {}
for row in given["keys"]:
    master = base64.b64decode(given["masters"][row["master_key_id"]])
    at = place(
        row["tenant_id"].encode(), b"vault_keys", UUID(row["id"]).bytes, b"wrapped", row["master_key_id"].encode()
    )
    keys[row["id"]] = unseal(master, at, bytes.fromhex(row["wrapped"]))
for row in given["connections"]:
    texts = []
    for column in ("access_token", "refresh_token"):
        at = place(
            row["tenant_id"].encode(), b"connections", UUID(row["id"]).bytes, column.encode(), UUID(row["key_id"]).bytes
        )
        texts.append(unseal(keys[row["key_id"]], at, bytes.fromhex(row[column])).decode())
    connections[row["id"]] = texts
json.dump({"keys": {id: key.hex() for id, key in keys.items()}, "connections": connections}, sys.stdout)

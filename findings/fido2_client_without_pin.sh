#!/bin/bash
# Which authenticators the client of the Python package fido2 lets verify their user by themselves, as with a
# fingerprint (option "uv" of CTAP 2.1 section 6.4, getInfo). The member pinUvAuthProtocols (6) is for those with a PIN
# or a token; one that has neither may leave it out, and is asked with the option "uv" of the request. The client has
# this way and takes it, but makes its object for the PIN's protocol first: without the member 6 there is a ValueError
# in place of a passkey, of Python's own type and no ClientError. With [1] in it the client does not use what it says:
# it sends {"uv": true} and no pinUvAuthParam. Where the site discourages verification, both authenticators are asked.
#
# fido2 2.2.1, 2026-11-28, seen:
#   no PIN protocols, required: ValueError: No compatible PIN/UV protocols supported!
#   no PIN protocols, discouraged: options None, pinUvAuthParam None
#   PIN protocols [1], required: options {'uv': True}, pinUvAuthParam None
#   PIN protocols [1], discouraged: options None, pinUvAuthParam None
#
# Needs Python (3.11 was used) with pip and venv.
set -euo pipefail

written=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet --only-binary :all: fido2==2.2.1
cat > "$folder/client.py" <<'PY'
from fido2 import cbor
from fido2.client import ClientError, DefaultClientDataCollector, Fido2Client
from fido2.ctap import CtapDevice, CtapError
from fido2.webauthn import PublicKeyCredentialCreationOptions


class Authenticator(CtapDevice):
    """Answers getInfo, and refuses a credential after it has noted what it is asked with."""

    capabilities = 4

    def __init__(self, protocols):
        self.protocols, self.request = protocols, None

    @classmethod
    def list_devices(cls):
        return iter(())

    def call(self, cmd, data=b"", event=None, on_keepalive=None):
        if data[0] == 4:
            info = {1: ["FIDO_2_1"], 3: bytes(16), 4: {"rk": True, "up": True, "uv": True, "makeCredUvNotRqd": True}}
            return b"\0" + cbor.encode({**info, **({6: self.protocols} if self.protocols else {})})
        self.request = cbor.decode(data[1:])
        raise CtapError(CtapError.ERR.OPERATION_DENIED)


for protocols in (None, [1]):
    for verification in ("required", "discouraged"):
        authenticator = Authenticator(protocols)
        client = Fido2Client(authenticator, DefaultClientDataCollector("https://example.com"))
        try:
            client.make_credential(PublicKeyCredentialCreationOptions.from_dict({
                "rp": {"id": "example.com", "name": "x"}, "user": {"id": "AA", "name": "x", "displayName": "x"},
                "challenge": "A" * 43, "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
                "authenticatorSelection": {"userVerification": verification}}))
        except ClientError:
            seen = f"options {authenticator.request.get(7)}, pinUvAuthParam {authenticator.request.get(8)}"
        except ValueError as error:
            seen = f"ValueError: {error}"
        print(f"{f'PIN protocols {protocols}' if protocols else 'no PIN protocols'}, {verification}: {seen}")
PY
seen=$("$folder/venv/bin/python" "$folder/client.py")
echo "$seen"
diff <(echo "$written") <(echo "$seen") && echo "as written"

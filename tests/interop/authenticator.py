"""An authenticator in software, which fido2's client drives as it drives a key: by CTAP 2.1, in CBOR."""

import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.ctap import CtapDevice, CtapError
from fido2.utils import sha256
from fido2.webauthn import Aaguid, AttestedCredentialData, AuthenticatorData

FLAG = AuthenticatorData.FLAG
MAKE_CREDENTIAL, GET_ASSERTION, GET_INFO = 1, 2, 4      # CTAP 2.1 section 6
SUCCESS = b"\0"
# By algorithm of COSE: how a key is made, and how it signs.
ALGORITHMS = {
    -7: (lambda: ec.generate_private_key(ec.SECP256R1()), [ec.ECDSA(hashes.SHA256())]),
    -8: (ed25519.Ed25519PrivateKey.generate, []),
    -257: (lambda: rsa.generate_private_key(65537, 2048), [padding.PKCS1v15(), hashes.SHA256()]),
}


class Authenticator(CtapDevice):
    """Has one key. What it says can be changed, to say what no honest one says: said is a dict with members flags,
    rp (the relying party's id) and count."""

    capabilities = 4        # it speaks CBOR

    def __init__(self, algorithm, flags=FLAG.UP | FLAG.UV, counts=True):
        self.algorithm, self.flags, self.counts, self.count = algorithm, flags, counts, 0
        generate, self.signs_with = ALGORITHMS[algorithm]
        self.key, self.id, self.user, self.said = generate(), os.urandom(32), None, {}

    @classmethod
    def list_devices(cls):
        return iter(())

    def call(self, cmd, data=b"", event=None, on_keepalive=None):
        command, request = data[0], cbor.decode(data[1:]) if data[1:] else {}
        if command == GET_INFO:
            # Without a version of the PIN's protocol (6) the client would not let it verify its user, PIN or none.
            options = {"rk": True, "up": True, "uv": True}
            return SUCCESS + cbor.encode({1: ["FIDO_2_0"], 3: bytes(16), 4: options, 6: [1], 7: 20})
        if command == MAKE_CREDENTIAL:
            return self.make_credential(request)
        if command == GET_ASSERTION:
            return self.get_assertion(request)
        raise CtapError(CtapError.ERR.INVALID_COMMAND)

    def data(self, rp, more=FLAG(0), credential=b""):
        self.count += self.counts
        said = {"flags": self.flags, "rp": rp, "count": self.count, **self.said}
        return AuthenticatorData.create(sha256(said["rp"].encode()), said["flags"] | more, said["count"], credential)

    def make_credential(self, request):
        if request.get(5):
            raise CtapError(CtapError.ERR.CREDENTIAL_EXCLUDED)
        if self.algorithm not in [offered["alg"] for offered in request[4]]:
            raise CtapError(CtapError.ERR.UNSUPPORTED_ALGORITHM)
        self.user = request[3]["id"]
        cose = CoseKey.for_alg(self.algorithm).from_cryptography_key(self.key.public_key())
        data = self.data(request[2]["id"], FLAG.AT, AttestedCredentialData.create(Aaguid(bytes(16)), self.id, cose))
        return SUCCESS + cbor.encode({1: "none", 2: bytes(data), 3: {}})

    def get_assertion(self, request):
        if request.get(3) and self.id not in [allowed["id"] for allowed in request[3]]:
            raise CtapError(CtapError.ERR.NO_CREDENTIALS)
        # The client asks first which of the allowed ones is here, without the user's touch.
        asked = not request.get(5, {}).get("up", True)
        data = AuthenticatorData.create(bytes(32), FLAG(0), 0) if asked else self.data(request[1])
        signature = self.key.sign(bytes(data) + request[2], *self.signs_with)
        return SUCCESS + cbor.encode({1: {"id": self.id, "type": "public-key"}, 2: bytes(data), 3: signature,
                                      4: {"id": self.user}})

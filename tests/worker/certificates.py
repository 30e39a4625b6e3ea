"""Certificates of a test's own authority."""

import datetime, ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def made(name, issuer, signer, key, extension):
    now, day = datetime.datetime.utcnow(), datetime.timedelta(days=1)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - day).not_valid_after(now + day)
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(signer, hashes.SHA256()))


def write(folder, name, address):
    """The files authority, own and key, in PEM: a certificate for a name and an address, and who has signed it."""
    signer, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = made("test", None, signer, signer, x509.BasicConstraints(ca=True, path_length=None))
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))])
    own = made(name, authority.subject, signer, key, names)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    files = {"authority": authority.public_bytes(serialization.Encoding.PEM),
             "own": own.public_bytes(serialization.Encoding.PEM), "key": private}
    for file, text in files.items():
        (Path(folder) / file).write_bytes(text)

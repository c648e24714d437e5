"""Certificates for a broker that one tries: a new authority, whose key is not kept, and a certificate of it."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cl_server.settings_error import SettingsError

# The longest life of a server's certificate that all clients accepted for years (CA/Browser Forum, Ballot SC31).
DAYS = 397


def make(names: Sequence[str]) -> dict[str, str]:
    """A new authority, and a certificate of it for these names: `ca.pem`, `server.pem`, `server.key` (RFC 5280)."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cl-server broker, for trying")])
    identity = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    made_by = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identity)
    ca = (
        _unsigned(authority, authority, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(identity, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    # RFC 6125 §6.4.4: the names stand in the extension, and the subject is for people.
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    leaf = (
        _unsigned(subject, authority, key.public_key())
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(made_by, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    encoded = {"ca.pem": ca, "server.pem": leaf}
    return {name: one.public_bytes(serialization.Encoding.PEM).decode() for name, one in encoded.items()} | {
        "server.key": private.decode()
    }


def _unsigned(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    """What both certificates have."""
    # A day back, for hosts whose clocks are behind.
    start = datetime.now(UTC) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=DAYS))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    """A host name or an address, as a certificate has it (RFC 5280 §4.2.1.6)."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name.encode("idna").decode())
    except UnicodeError as error:
        raise SettingsError(f"{name!r} is neither a host name nor an address") from error

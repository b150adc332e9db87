"""Certificates for the servers of a test, by a CA of its own."""

import datetime as dt
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


class Authority:
    """A CA, whose certificate lies in a file.

    Parameters
    ----------
    folder
        Where that, and the servers' own, are kept.
    """

    def __init__(self, folder):
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = _name("A lab's own CA")
        built = _builder(self._name, self._name, self._key)
        ca = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.file = folder / "ca.pem"
        self.file.write_bytes(_pem(ca.sign(self._key, hashes.SHA256())))

    def context(self, *names, ended=False):
        """Return what a server of these names, or addresses, goes by."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
        built = _builder(_name(names[0]), self._name, key, ended=ended)
        certificate = built.add_extension(alternatives, critical=False).sign(self._key, hashes.SHA256())
        file = self._folder / f"{names[0]}{'-ended' if ended else ''}.pem"
        file.write_bytes(_pem(certificate) + _private(key))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(subject, issuer, key, *, ended=False):
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - 2 * DAY)
        .not_valid_after(now - DAY if ended else now + DAY)
    )


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

"""Who this server is to node agents that meet it at a relay: a certificate of its own."""

from __future__ import annotations

import datetime as dt
import os
import secrets
from contextlib import suppress
from pathlib import Path

__all__ = ["certificate"]

VALID = dt.timedelta(days=3650)
"""Replicas outlive this server and know this certificate alone, so the next server goes on with it."""

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def certificate(file: Path) -> str:
    """Return the certificate (PEM) in a file that also has its private key; made where there is none.

    Raises
    ------
    OSError
        Where it can neither be read nor written.
    """
    with suppress(FileNotFoundError):
        return _certificate_of(file.read_text())
    draft = file.with_name(f".{file.name}-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as made:
        made.write(_new())
    try:
        os.link(draft, file)
    except FileExistsError:
        pass  # another server of this folder was quicker
    finally:
        draft.unlink()
    return _certificate_of(file.read_text())


def _certificate_of(text: str) -> str:
    return f"{_BEGIN}{text.partition(_BEGIN)[2].partition(_END)[0]}{_END}\n"


def _new() -> str:
    from cryptography import x509  # noqa: PLC0415  (servers without a relay need none of it)
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "first-jupyter")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        # Nodes' clocks differ.
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (private + signed.public_bytes(serialization.Encoding.PEM)).decode()

"""The forms in which IdPs name their keys, each a function from a key to its published kid.

Apart from the key's own name every form follows from the key itself, so that two keys never share a kid and one
key has the same kid on every run.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, TypeAlias

from mock_idp import certificates
from mock_idp.keys import SigningKey, b64url

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

KidForm: TypeAlias = "Callable[[SigningKey, Callable[[SigningKey], x509.Certificate]], str]"
"""From a key, and the way in which the persona certifies a key, to the kid."""


def own_name(key: SigningKey, _certify: Callable[[SigningKey], x509.Certificate]) -> str:
    """Give the name that the key has in its ring."""
    return key.kid


def thumbprint(key: SigningKey, certify: Callable[[SigningKey], x509.Certificate]) -> str:
    """Give the certificate's `x5t`: 27 characters of base64url (AZR-011, IDP-013)."""
    return certificates.x5t(certify(key))


def thumbprint_and_alg(key: SigningKey, certify: Callable[[SigningKey], x509.Certificate]) -> str:
    """Give a thumbprint and the algorithm, as PingFederate names the keys that it manages itself."""
    return f"{certificates.x5t(certify(key))}_{key.alg}"


def base64url_43(key: SigningKey, _certify: Callable[[SigningKey], x509.Certificate]) -> str:
    """Give the SHA-256 of the public key: 43 characters of base64url."""
    return b64url(hashlib.sha256(key.spki_der()).digest())


def base64_with_padding(key: SigningKey, _certify: Callable[[SigningKey], x509.Certificate]) -> str:
    """Give 44 characters of plain base64 that end with `=` and may hold `+` and `/` (IDP-014)."""
    return base64.b64encode(hashlib.sha256(key.spki_der()).digest()).decode("ascii")


def hex_40(key: SigningKey, _certify: Callable[[SigningKey], x509.Certificate]) -> str:
    """Give 40 hexadecimal digits in lower case."""
    return hashlib.sha256(key.spki_der()).hexdigest()[:40]


def base64url_21(key: SigningKey, _certify: Callable[[SigningKey], x509.Certificate]) -> str:
    """Give 21 characters of base64url."""
    return b64url(hashlib.sha256(key.spki_der()).digest())[:21]

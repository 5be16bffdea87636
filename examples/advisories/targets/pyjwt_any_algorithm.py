"""PyJWT before 2: `decode` with the key's PEM, in the form that openssl's -RSAPublicKey_out writes, and no list."""

from __future__ import annotations

import collections
import collections.abc
from typing import Any

collections.Mapping = collections.abc.Mapping  # type: ignore[attr-defined]  # PyJWT 1.5 on Python 3.10 and later

import jwt  # noqa: E402 - it needs the line above
from cryptography.hazmat.backends import default_backend  # noqa: E402 - as above
from cryptography.hazmat.primitives.serialization import (  # noqa: E402 - as above
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from line_protocol import serve  # noqa: E402 - as above


def verify(token: Any, record: dict[str, Any], _now: Any) -> dict[str, Any]:
    (entry,) = record["public_keys"]
    spki = load_pem_public_key(entry["pem"].encode(), default_backend())
    pem = spki.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    claims: dict[str, Any] = jwt.decode(token, pem, audience=record["audience"], issuer=record["issuer"])
    return claims


if __name__ == "__main__":
    serve(
        "PyJWT", jwt.__version__, verify, (jwt.exceptions.InvalidTokenError, jwt.exceptions.InvalidKeyError)
    )

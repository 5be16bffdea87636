"""PyJWT with the key as the line of text that OpenSSH keeps, and all algorithms that PyJWT has."""

from __future__ import annotations

from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from line_protocol import serve


def verify(token: Any, record: dict[str, Any], _now: Any) -> dict[str, Any]:
    (entry,) = record["public_keys"]
    line = load_pem_public_key(entry["pem"].encode()).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return jwt.decode(
        token,
        line,
        algorithms=list(jwt.algorithms.get_default_algorithms()),
        audience=record["audience"],
        issuer=record["issuer"],
    )


if __name__ == "__main__":
    serve("PyJWT", jwt.__version__, verify, (jwt.PyJWTError,))

"""python-jose as its documentation shows it: `jwt.decode` with the key set."""

from __future__ import annotations

from typing import Any

import jose
from jose import jwt
from jose.exceptions import JOSEError
from line_protocol import serve


def verify(token: Any, record: dict[str, Any], _now: Any) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token,
        record["jwks"],
        algorithms=record["algorithms"],
        audience=record["audience"],
        issuer=record["issuer"],
    )
    return claims


if __name__ == "__main__":
    serve("python-jose", jose.__version__, verify, (JOSEError,))

"""PyJWT with the client of its documentation for a JWKS URL, kept, so that its cache works."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jwt
from line_protocol import serve

client = lru_cache(maxsize=4)(jwt.PyJWKClient)


def verify(token: Any, record: dict[str, Any], _now: Any) -> dict[str, Any]:
    key = client(record["jwks_uri"]).get_signing_key_from_jwt(token)
    return jwt.decode(
        token,
        key.key,
        algorithms=record["algorithms"],
        audience=record["audience"],
        issuer=record["issuer"],
    )


if __name__ == "__main__":
    serve("PyJWT", jwt.__version__, verify, (jwt.PyJWTError,))

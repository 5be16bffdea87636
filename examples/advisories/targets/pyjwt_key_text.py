"""PyJWT over a store that keeps keys as JSON text: RSA keys are read from it, secrets are taken as they stand."""

from __future__ import annotations

import json
from typing import Any

import jwt
from line_protocol import serve


def verify(token: Any, record: dict[str, Any], _now: Any) -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    texts = {key["kid"]: json.dumps(key, separators=(",", ":")) for key in record["jwks"]["keys"]}
    text = texts.get(header.get("kid"), "")
    key: Any = jwt.algorithms.RSAAlgorithm.from_jwk(text) if header["alg"] == "RS256" else text
    return jwt.decode(
        token, key, algorithms=["RS256", "HS256"], audience=record["audience"], issuer=record["issuer"]
    )


if __name__ == "__main__":
    serve("PyJWT", jwt.__version__, verify, (jwt.PyJWTError,))

"""Authlib's own `jwt` object, which allows what it has, with the key set or with the PEM of the key."""

from __future__ import annotations

from typing import Any

import authlib
from authlib.common.errors import AuthlibBaseError
from authlib.jose import JsonWebKey, jwt
from line_protocol import serve


def verify(token: Any, record: dict[str, Any], _now: Any) -> dict[str, Any]:
    if "public_keys" in record:
        key: Any = record["public_keys"][0]["pem"]
    else:
        key = JsonWebKey.import_key_set(record["jwks"])
    wanted = {
        "iss": {"essential": True, "value": record["issuer"]},
        "aud": {"essential": True, "value": record["audience"]},
    }
    claims = jwt.decode(token, key, claims_options=wanted)
    claims.validate(leeway=record["leeway_s"])
    return dict(claims)


if __name__ == "__main__":
    serve("Authlib", authlib.__version__, verify, (AuthlibBaseError, ValueError))

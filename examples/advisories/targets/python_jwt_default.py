"""python_jwt's `verify_jwt` with the key and the algorithms that are wanted."""

from __future__ import annotations

import datetime as dt
import json
from importlib.metadata import version
from typing import Any

import python_jwt
from jwcrypto import jwk
from jwcrypto.common import JWException
from line_protocol import NotThis, serve


def verify(token: Any, record: dict[str, Any], _now: Any) -> dict[str, Any]:
    key = jwk.JWK.from_json(json.dumps(record["jwks"]["keys"][0]))
    _, claims = python_jwt.verify_jwt(
        token,
        key,
        record["algorithms"],
        iat_skew=dt.timedelta(seconds=record["leeway_s"]),
        checks_optional=True,
        ignore_not_implemented=True,
    )
    if (claims["iss"], claims["aud"]) != (record["issuer"], record["audience"]):
        raise NotThis("another issuer or audience")
    return dict(claims)


# The class of its own that it raises has no public name; the others are those of what it reads base64 and JSON with.
REJECTS = (python_jwt._JWTError, JWException, ValueError, KeyError)  # noqa: SLF001 - it exports no other

if __name__ == "__main__":
    serve("python_jwt", version("python_jwt"), verify, REJECTS)

"""jwcrypto as its documentation uses it: a `JWKSet`, and a `JWT` that is told which claims to check."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from jwcrypto.common import JWException
from jwcrypto.jwk import JWKSet
from jwcrypto.jwt import JWT
from line_protocol import serve


def verify(token: str | bytes, integration: dict[str, Any], _now: float | None) -> dict[str, Any]:
    """Return the claims of a true token; raises `JWException`, or `ValueError` for what is no token at all."""
    keys = JWKSet.from_json(json.dumps(integration["jwks"]))
    wanted = {"iss": integration["issuer"], "aud": integration["audience"], "exp": None}
    read = JWT(algs=integration["algorithms"], check_claims=wanted, expected_type="JWS")
    read.leeway = integration["leeway_s"]
    read.deserialize(token.decode() if isinstance(token, bytes) else token, keys)
    claims: dict[str, Any] = json.loads(read.claims)
    return claims


if __name__ == "__main__":
    serve("jwcrypto", version("jwcrypto"), verify, (JWException, ValueError))

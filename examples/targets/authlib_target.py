"""Authlib as its documentation uses it ("JSON Web Token": a key set, then claims that validate themselves)."""

from __future__ import annotations

from typing import Any

import authlib
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.jose.errors import JoseError
from line_protocol import serve


def verify(token: str | bytes, integration: dict[str, Any], now: float | None) -> dict[str, Any]:
    """Return the claims of a token that is true at `now`; raises `JoseError`, or `ValueError` for want of a key."""
    claims = JsonWebToken(integration["algorithms"]).decode(
        token,
        JsonWebKey.import_key_set(integration["jwks"]),
        claims_options={
            "iss": {"essential": True, "value": integration["issuer"]},
            "aud": {"essential": True, "value": integration["audience"]},
        },
    )
    claims.validate(now=None if now is None else int(now), leeway=integration["leeway_s"])
    return dict(claims)


if __name__ == "__main__":
    serve("Authlib", authlib.__version__, verify, (JoseError, ValueError))

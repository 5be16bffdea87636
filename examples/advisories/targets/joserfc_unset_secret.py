"""joserfc with the IdP's key set, and a client secret for HS256 that comes from a variable which nobody has set."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey
from line_protocol import NotThis, serve


def verify(token: Any, record: dict[str, Any], _now: Any) -> dict[str, Any]:
    keys = KeySet.import_key_set(record["jwks"])

    def key(member: Any) -> Any:
        if member.headers()["alg"] == "HS256":
            return OctKey.import_key(os.environ.get("CLIENT_SECRET", ""))
        return keys.get_by_kid(member.headers().get("kid"))

    claims = jwt.decode(token, key, algorithms=["RS256", "HS256"]).claims
    if (claims["iss"], claims["aud"]) != (record["issuer"], record["audience"]):
        raise NotThis("another issuer or audience")
    return claims


if __name__ == "__main__":
    serve("joserfc", version("joserfc"), verify, (JoseError, ValueError))

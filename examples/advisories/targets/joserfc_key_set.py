"""joserfc as its documentation shows it: `jwt.decode` with the key set, then the registry of claims."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from line_protocol import serve


def verify(token: Any, record: dict[str, Any], _now: Any) -> dict[str, Any]:
    claims = jwt.decode(token, KeySet.import_key_set(record["jwks"]), algorithms=record["algorithms"]).claims
    wanted = jwt.JWTClaimsRegistry(
        leeway=record["leeway_s"],
        iss={"essential": True, "value": record["issuer"]},
        aud={"essential": True, "value": record["audience"]},
    )
    wanted.validate(claims)
    return claims


if __name__ == "__main__":
    serve("joserfc", version("joserfc"), verify, (JoseError, ValueError))

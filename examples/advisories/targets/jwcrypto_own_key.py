"""jwcrypto in a service that holds the private key of the issuer: `jwt.JWT(key=…)` reads what comes in."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jwcrypto import jwk, jwt
from jwcrypto.common import JWException
from line_protocol import NotThis, serve

KEY = jwk.JWK.from_pem(Path(os.environ["SIGNING_KEY"]).read_bytes())


def verify(token: Any, record: dict[str, Any], _now: Any) -> dict[str, Any]:
    read = jwt.JWT(
        jwt=token, key=KEY, check_claims={"iss": record["issuer"], "aud": record["audience"], "exp": None}
    )
    claims: dict[str, Any] = json.loads(read.claims)
    if not isinstance(claims, dict):
        raise NotThis("claims that are no object")
    return claims


# The repair says with a TypeError that it expected another kind of token.
if __name__ == "__main__":
    serve("jwcrypto", version("jwcrypto"), verify, (JWException, ValueError, TypeError))

"""joserfc's `jws.deserialize_compact`, with the claims read by the program itself."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from line_protocol import NotThis, serve


def verify(token: Any, record: dict[str, Any], _now: Any) -> dict[str, Any]:
    signed = jws.deserialize_compact(
        token, KeySet.import_key_set(record["jwks"]), algorithms=record["algorithms"]
    )
    claims: dict[str, Any] = json.loads(signed.payload)
    if (claims["iss"], claims["aud"]) != (record["issuer"], record["audience"]):
        raise NotThis("another issuer or audience")
    return claims


if __name__ == "__main__":
    serve("joserfc", version("joserfc"), verify, (JoseError, ValueError))

"""PyJWT as its documentation shows it: the key of the kid, and the algorithms, audience and issuer that are wanted."""

from __future__ import annotations

from typing import Any

import jwt
from line_protocol import serve


def verify(token: Any, record: dict[str, Any], _now: Any) -> dict[str, Any]:
    kid = jwt.get_unverified_header(token).get("kid")
    keys = {key.key_id: key.key for key in jwt.PyJWKSet.from_dict(record["jwks"]).keys}
    return jwt.decode(
        token,
        keys.get(kid, ""),
        algorithms=record["algorithms"],
        audience=record["audience"],
        issuer=record["issuer"],
        leeway=record["leeway_s"],
    )


if __name__ == "__main__":
    serve("PyJWT", jwt.__version__, verify, (jwt.PyJWTError,))

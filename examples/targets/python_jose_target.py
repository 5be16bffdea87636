"""python-jose as its documentation uses it: `jwt.decode` with the key set, the algorithms, audience and issuer."""

from __future__ import annotations

from typing import Any

import jose
from jose import jwt
from jose.exceptions import JOSEError
from line_protocol import serve


def verify(token: str | bytes, integration: dict[str, Any], _now: float | None) -> dict[str, Any]:
    """Return the claims of a true token; raises `JOSEError` for any other."""
    claims: dict[str, Any] = jwt.decode(
        token,
        integration["jwks"],
        algorithms=integration["algorithms"],
        audience=integration["audience"],
        issuer=integration["issuer"],
        options={"leeway": integration["leeway_s"]},
    )
    return claims


if __name__ == "__main__":
    serve("python-jose", jose.__version__, verify, (JOSEError,))

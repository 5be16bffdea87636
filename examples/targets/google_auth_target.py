"""google.auth.jwt as its documentation uses it: `decode` with certificates by kid; its caller checks the issuer."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from google.auth import jwt
from google.auth.exceptions import GoogleAuthError
from line_protocol import NotThis, serve


def verify(token: str | bytes, integration: dict[str, Any], _now: float | None) -> dict[str, Any]:
    """Return the claims of a true token; raises `ValueError` as documented, `GoogleAuthError`, or `NotThis`."""
    claims: dict[str, Any] = jwt.decode(
        token,
        certs={entry["kid"]: entry["pem"] for entry in integration["certificates"] if "pem" in entry},
        audience=integration["audience"],
        clock_skew_in_seconds=integration["leeway_s"],
    )
    if claims.get("iss") != integration["issuer"]:
        raise NotThis("another issuer")
    return claims


if __name__ == "__main__":
    serve("google-auth", version("google-auth"), verify, (GoogleAuthError, ValueError))

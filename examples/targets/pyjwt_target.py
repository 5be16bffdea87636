"""PyJWT as its documentation uses it ("Retrieve RSA signing keys from a JWKS endpoint"), not hardened.

It must never import Touchstone: this is the code of somebody who integrates PyJWT and is being tested.
"""

import ssl
from functools import lru_cache
from typing import Any

import jwt
from jwt import PyJWKClient

__version__ = jwt.__version__  # of what is tested


@lru_cache(maxsize=16)
def client(jwks_uri: str, ca_file: str | None) -> PyJWKClient:
    """Return one client a JWKS URL, kept, so that its own cache of the key set works (no more than 16 at a time)."""
    context = None if ca_file is None else ssl.create_default_context(cafile=ca_file)
    return PyJWKClient(jwks_uri, ssl_context=context)


def verify(token: str | bytes, integration: dict[str, Any]) -> dict[str, Any]:
    """Return the claims of a true token; raises `jwt.PyJWTError` for any other."""
    signing_key = client(integration["jwks_uri"], integration.get("ca_file")).get_signing_key_from_jwt(token)
    return jwt.decode(
        token,
        signing_key,
        algorithms=integration["algorithms"],
        audience=integration["audience"],
        issuer=integration["issuer"],
        leeway=integration["leeway_s"],
    )

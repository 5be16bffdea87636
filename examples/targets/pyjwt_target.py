"""PyJWT as its documentation uses it ("Retrieve RSA signing keys from a JWKS endpoint"), not hardened.

It must never import Touchstone: this is the code of somebody who integrates PyJWT and is being tested.
"""

from functools import lru_cache
from typing import Any

import jwt
from jwt import PyJWKClient

__version__ = jwt.__version__  # of what is tested

client = lru_cache(maxsize=16)(PyJWKClient)
"""One client a JWKS URL, kept, so that its own cache of the key set works (no more than 16 at a time)."""


def verify(token: str | bytes, integration: dict[str, Any]) -> dict[str, Any]:
    """Return the claims of a true token; raises `jwt.PyJWTError` for any other."""
    signing_key = client(integration["jwks_uri"]).get_signing_key_from_jwt(token)
    return jwt.decode(
        token,
        signing_key,
        algorithms=integration["algorithms"],
        audience=integration["audience"],
        issuer=integration["issuer"],
        leeway=integration["leeway_s"],
    )

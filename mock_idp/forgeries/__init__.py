"""The named ways to make a token false, each with the rules it breaks and the advisories it re-enacts.

    forge(issuer.draft(person), "hmac_with_public_key", "spki_pem", context=ForgeContext.of(issuer))

`FORGERIES` lists them all. A new one is a function with a decorator in the module of its kind.
"""

from mock_idp.forgeries import (
    algorithms,
    ecdsa,
    eddsa,
    encoding,
    json_text,
    jwe,
    keys,
    members,
    rsa_padding,
    signatures,
    structure,
    tampering,
)
from mock_idp.forgeries.registry import (
    FORGERIES,
    Credential,
    ForgeContext,
    Forgery,
    ForgeryError,
    finish,
    forge,
)

__all__ = [
    "FORGERIES",
    "Credential",
    "ForgeContext",
    "Forgery",
    "ForgeryError",
    "algorithms",
    "ecdsa",
    "eddsa",
    "encoding",
    "finish",
    "forge",
    "json_text",
    "jwe",
    "keys",
    "members",
    "rsa_padding",
    "signatures",
    "structure",
    "tampering",
]

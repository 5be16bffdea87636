"""The persona `google`: Google as an OpenID provider.

Sources: rulebook section 7, IDP-010 and IDP-011; Google's OpenID Connect pages. Its access tokens for people are
opaque: what an API gets to verify is the ID token, or that of a service account.
"""

from typing import Any

from mock_idp.personas.identity import digits, names, verified_email
from mock_idp.personas.kids import hex_40
from mock_idp.personas.model import PARAMETERS, Grant, Persona
from mock_idp.personas.registry import register


def user_id(key: str) -> str:
    """Give Google's id of the person or service account: 21 digits, more than a double can tell apart (IDP-010)."""
    return "1" + digits(20, "google", key)


def _id(grant: Grant) -> dict[str, Any]:
    person = grant.user
    profile = names(person) if "profile" in grant.scopes else {}
    email = verified_email(person) if "email" in grant.scopes else {}
    return {
        "iss": grant.issuer,
        "azp": grant.client,
        "aud": grant.client,
        "sub": user_id(person.oid),
        "hd": person.email.rpartition("@")[2],
        **email,
        **profile,
        **grant.issued,
    }


def _machine(grant: Grant) -> dict[str, Any]:
    account = user_id(grant.client)
    return {
        "iss": grant.issuer,
        "azp": account,
        "aud": grant.audience,
        "sub": account,
        "email": f"{grant.client}@contoso.iam.gserviceaccount.com",
        "email_verified": True,
        **grant.issued,
    }


GOOGLE = register(
    Persona(
        name="google",
        says="Google: ID tokens alone are JWTs, sub is a string of 21 digits",
        issuer=lambda _base_url, _tenant: "https://accounts.google.com",
        claims={"id": _id, "machine": _machine},
        header_members=("alg", "kid", "typ"),
        jwk_members=("kty", "alg", "use", "kid", PARAMETERS),
        kid_form=hex_40,
        jwks_path="/oauth2/v3/certs",
        paths={
            "authorization": "/o/oauth2/v2/auth",
            "token": "/token",
            "userinfo": "/v1/userinfo",
            "revocation": "/revoke",
            "device_authorization": "/device/code",
        },
        fixed_sub=True,
    )
)

"""The personas `azure-b2c` and `azure-b2c-placeholder`: Azure AD B2C, whose `sub` may be the same text for everybody.

Sources: rulebook section 7 and AZR-026; Microsoft's overview of tokens in Azure AD B2C. The policy (user flow) that
issued a token stands in `tfp`, and in the query of the JWKS address, which answers nothing useful without it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mock_idp.people import Person
from mock_idp.personas.identity import guid, names
from mock_idp.personas.kids import base64url_43
from mock_idp.personas.model import PARAMETERS, Grant, Kind, Persona
from mock_idp.personas.registry import register

POLICY = "b2c_1_susi"
PLACEHOLDER = "Not supported currently. Use oid claim."
"""The `sub` of every person of a directory whose policy does not set it (AZR-026)."""


def _identity(grant: Grant, sub: Callable[[Person], str]) -> dict[str, Any]:
    person = grant.user
    return {
        "iss": grant.issuer,
        **grant.times,
        "ver": "1.0",
        "sub": sub(person),
        "oid": person.oid,
        **names(person),
        "emails": [person.email],
        "tfp": POLICY,
    }


def _claims(sub: Callable[[Person], str]) -> dict[Kind, Callable[[Grant], dict[str, Any]]]:
    def access(grant: Grant) -> dict[str, Any]:
        scopes = " ".join(grant.api_scopes)
        return {**_identity(grant, sub), "aud": grant.audience, "azp": grant.client, "scp": scopes}

    def id_token(grant: Grant) -> dict[str, Any]:
        return {**_identity(grant, sub), "aud": grant.client, "auth_time": grant.now}

    return {"access": access, "id": id_token, "machine": _machine}


def _machine(grant: Grant) -> dict[str, Any]:
    principal = guid(grant.tenant, grant.client)
    return {
        "iss": grant.issuer,
        "aud": grant.audience,
        **grant.times,
        "ver": "1.0",
        "sub": principal,
        "oid": principal,
        "tid": grant.tenant,
        "azp": grant.client,
        "azpacr": "1",
        "roles": ["access_as_app"],
    }


AZURE_B2C = register(
    Persona(
        name="azure-b2c",
        says="Azure AD B2C, user flow with sub as the object id: issuer with a final slash, emails as an array",
        issuer=lambda _base_url, tenant: f"https://contoso.b2clogin.com/{tenant}/v2.0/",
        claims=_claims(lambda person: person.oid),
        header_members=("alg", "kid", "typ"),
        jwk_members=("kid", ("nbf", 1493763266), "use", "kty", PARAMETERS),
        kid_form=base64url_43,
        jwks_path="/discovery/v2.0/keys",
        jwks_query=f"?p={POLICY}",
        metadata_path="/v2.0/.well-known/openid-configuration",
        paths={
            "authorization": "/oauth2/v2.0/authorize",
            "token": "/oauth2/v2.0/token",
            "userinfo": "/openid/v2.0/userinfo",
            "end_session": "/oauth2/v2.0/logout",
        },
        fixed_sub=True,
        subject_types=("pairwise",),
        default_scopes=("openid", "profile", "access_as_user"),
    )
)
AZURE_B2C_PLACEHOLDER = register(
    replace(
        AZURE_B2C,
        name="azure-b2c-placeholder",
        says="Azure AD B2C whose policy leaves sub out: everybody has the same placeholder text there",
        claims=_claims(lambda _person: PLACEHOLDER),
    )
)

"""The dialects of real IdPs, one module each.

`persona(name)` looks one up; `PERSONAS` names them all.
"""

from mock_idp.personas import (
    adfs,
    auth0,
    azure_b2c,
    cognito,
    entra,
    generic,
    google,
    keycloak,
    okta,
    pingfederate,
)
from mock_idp.personas.entra import pairwise_sub
from mock_idp.personas.model import Grant, Kind, Persona, PersonaError
from mock_idp.personas.registry import names, persona

PERSONAS: tuple[str, ...] = names()
"""The names of all personas, sorted."""

__all__ = [
    "PERSONAS",
    "Grant",
    "Kind",
    "Persona",
    "PersonaError",
    "adfs",
    "auth0",
    "azure_b2c",
    "cognito",
    "entra",
    "generic",
    "google",
    "keycloak",
    "okta",
    "pairwise_sub",
    "persona",
    "pingfederate",
]

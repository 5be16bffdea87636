"""Whether a forgery makes a token that every verifier must refuse: the reference verifier is asked before a run is.

Some forgeries are harmless variations, and some do nothing to a token of another algorithm. Sending those as false
would accuse who takes them.
"""

from __future__ import annotations

from typing import Any

from mock_idp.forgeries import ForgeContext, ForgeryError, finish, forge
from mock_idp.issuer import Issuer
from mock_idp.keyring import KeyRing
from mock_idp.keys import SigningKey
from mock_idp.people import Person
from mock_idp.personas import persona
from verifier import FetchResult, IntegrationRecord, Policy, TokenRejected, User, Verifier

_ISSUER, _AUDIENCE = "https://idp.load.example", "api"


class Untrue(ValueError):  # noqa: N818 - it says what the forgery is not
    """A forgery that is none here, in one sentence."""


def check_false(name: str, argument: Any, alg: str) -> None:
    """Raise `Untrue` for a forgery that cannot be made, or that the reference verifier would accept."""
    keys = [SigningKey.generate(alg, kid=kid) for kid in "ab"]
    issuer = Issuer(persona("generic"), KeyRing(keys), issuer=_ISSUER, audience=_AUDIENCE)
    person = Person.named("ann")
    try:
        made = forge(issuer.draft(person), name, argument, context=ForgeContext.of(issuer))
        token = finish(made)
    except (ForgeryError, ValueError) as error:
        said = str(error)
        raise Untrue(said if said.startswith(name) else f"{name}: {said}") from None
    if isinstance(token, bytes) or any(sign in token for sign in "\r\n") or token != token.strip():
        raise Untrue(f"{name} makes what no header line carries as it is")
    if _accepted(token, issuer, person):
        raise Untrue(f"{name} makes a token that is true: a verifier may accept it")


def _accepted(token: str, issuer: Issuer, person: Person) -> bool:
    algorithm = issuer.ring.active.alg
    policy = Policy(algorithms=(algorithm,), allow_test_keys=True)

    def fetch(url: str, **how: Any) -> FetchResult:
        del url, how  # there is one document
        return FetchResult(200, {}, issuer.jwks_bytes())

    verifier = Verifier(policy, fetch=fetch)
    record = IntegrationRecord(
        id="load",
        entity_id="urn:load",
        issuer=_ISSUER,
        audience=_AUDIENCE,
        jwks_uri=f"{_ISSUER}/jwks",
    )
    verifier.onboard(record, [User("ann", person.subject)])
    try:
        verifier.authenticate(token)
    except TokenRejected:
        return False
    return True

"""The reference verifier as a target: it speaks the protocol like any other, and gets no favours.

It runs in this process, obeys the clock that messages carry, and fetches keys over real HTTP.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from scenarios.targets.in_process import ObjectTarget
from scenarios.targets.session import Session
from verifier import (
    CertificateFile,
    IntegrationRecord,
    OnboardingAsked,
    OnboardingRefused,
    Policy,
    TokenRejected,
    User,
    Verifier,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAME: Final = "Touchstone reference verifier"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
CAPABILITIES: Final = ("clock", "reset", "users", "onboarding", "reasons", "audit", "endpoints")


class ReferenceTarget:
    """The reference verifier behind the target protocol (version 1); `now` is obeyed from the first one seen."""

    def __init__(self) -> None:
        self._now = 0.0
        self._nodes = [self._node()]
        self._live: dict[str, tuple[IntegrationRecord, tuple[User, ...]]] = {}

    def _node(self) -> Verifier:
        # The mock IdP is on loopback, and its keys are the shipped ones; no deployment would say so.
        policy = Policy(allow_local_jwks=True, allow_test_keys=True)
        return Verifier(policy, clock=self._time, monotonic=self._time, spawn=_at_once)

    def _time(self) -> float:
        return self._now

    def start(self, _message: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `start`."""
        from importlib.metadata import version

        return {
            "ok": True,
            "name": NAME,
            "version": version("oidc-touchstone"),
            "language": "python",
            "scope": "system",
            "keys": ["jwks_uri", "certificates"],
            "algorithms": list(ALGORITHMS),
            "capabilities": list(CAPABILITIES),
        }

    def onboard(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `onboard`."""
        self._tell_time(message)
        record = _record(message["integration"])
        users = tuple(
            User(user["name"], user["external_id"] or "", active=user["active"]) for user in message["users"]
        )
        try:
            warnings = [node.onboard(record, users) for node in self._nodes].pop().warnings
        except OnboardingRefused as refused:
            return {"verdict": "refused", "reason": refused.reason, "detail": refused.detail}
        except OnboardingAsked as asked:
            return {"verdict": "asked", "about": asked.about, "detail": asked.detail}
        self._live[str(record.id)] = record, users
        return {"verdict": "onboarded", "warnings": list(warnings)}

    def offboard(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `offboard`."""
        self._live.pop(message["id"], None)
        for node in self._nodes:
            node.offboard(message["id"])
        return {"ok": True}

    def authenticate(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `authenticate`, at the endpoint that is asked."""
        self._tell_time(message)
        node = self._endpoint(message.get("endpoint", 1))
        token = message["token"] if "token" in message else base64.b64decode(message["token_base64"])
        try:
            identity = node.authenticate(token)
        except TokenRejected as rejected:
            return {"verdict": "reject", "reason": rejected.reason, "detail": rejected.detail}
        return {
            "verdict": "accept",
            "user": identity.user,
            "claims": {
                name: identity.claims[name]
                for name in {"iss", "sub", identity.claim} & identity.claims.keys()
            },
            "mapped_by": identity.claim,
            "fallback": identity.fallback,
        }

    def reset(self, _message: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `reset`."""
        self._live.clear()
        del self._nodes[1:]
        self._nodes[0].reset()
        return {"ok": True}

    def stop(self, _message: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `stop`."""
        return {"ok": True}

    def _endpoint(self, number: int) -> Verifier:
        """Return the verifier of a product endpoint; the second one starts when it is first asked (MAP-048)."""
        while len(self._nodes) < number:
            node = self._node()
            for record, users in self._live.values():
                node.onboard(record, users, restart=True)
            self._nodes.append(node)
        return self._nodes[number - 1]

    def _tell_time(self, message: Mapping[str, Any]) -> None:
        self._now = float(message.get("now", self._now))


def reference_session() -> Session:
    """Return a session with the reference verifier, not yet started."""
    return Session(ObjectTarget(ReferenceTarget))


def _at_once(work: Callable[[], None]) -> None:
    """Do at once what a deployment does in the background: a scenario's answers must not hang on threads."""
    work()


def _record(raw: Mapping[str, Any]) -> IntegrationRecord:
    known = {name: raw[name] for name in IntegrationRecord.__dataclass_fields__ if name in raw}
    if isinstance(files := known.get("certificates"), list):
        known["certificates"] = [
            CertificateFile(kid=file.get("kid"), content=_content(file), name=file.get("name", ""))
            for file in files
        ]
    return IntegrationRecord(**{"id": raw.get("id"), **known})


def _content(file: Mapping[str, Any]) -> bytes:
    if "pem_base64" in file:
        return base64.b64decode(file["pem_base64"])
    return str(file["pem"]).encode()

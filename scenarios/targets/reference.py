"""The reference verifier as a target: it speaks the protocol like any other, and gets no favours.

It runs in this process and obeys the clock that messages carry. It fetches keys over real HTTP, except where a
scenario is about something else (`near.py`), and a request that is told as a whole reaches it over real HTTP too, by
the protected API around it.
"""

from __future__ import annotations

import base64
import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scenarios import rulebook
from scenarios.targets.http.door import Door
from scenarios.targets.http.settings import Condition, Finder, Http
from scenarios.targets.in_process import ObjectTarget
from scenarios.targets.near import NearFetch
from scenarios.targets.profile import Profile, TargetError
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
from verifier.api.app import create_app
from verifier.api.registry import Registry
from verifier.api.serve import BackgroundServer
from verifier.fetch import HttpFetch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAME: Final = "Touchstone reference verifier"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
CAPABILITIES: Final = (
    *("clock", "reset", "users", "onboarding", "reasons", "audit", "endpoints", "purge"),
    *("concurrent", "http", "permissions"),
)


_HTTP: Final = Http(
    url="",
    endpoints=["/api/2.0/whoami"],
    reject=Condition(status=(401, 403)),
    user=Finder(json="/user"),
    mapped_by=Finder(json="/claim"),
    fallback=Finder(json="/fallback"),
)
"""What the answers of the protected API mean."""
_HTTP_S: Final = 4.5
"""An answer over HTTP takes this long at most (seconds), below the time-out of a session."""
_NEVER_S: Final = 1e9

_POLICY: Final = Policy(allow_local_jwks=True, allow_test_keys=True)
"""The mock IdP is on loopback, and its keys are the shipped ones; no deployment would say so."""
_KEPT_BY_ANY: Final = frozenset({"algs", "propagation_s"})
"""Knobs that need nothing set: a record lists its algorithms, and a change holds at once."""


def policy_of(knobs: Mapping[str, Any]) -> Policy:
    """Return the policy that declares these knobs, named and valued as a profile does (rulebook section 2).

    Raises `TargetError` (`configuration`) for a value that the reference verifier has no code for.
    """
    said: dict[str, Any] = {}
    for name, value in knobs.items():
        where = ("profile", "knobs", name)
        if name in _KEPT_BY_ANY:
            continue
        default = getattr(_POLICY, name, None)
        if name in Policy.__dataclass_fields__:
            said[name] = value == "true" if isinstance(default, bool) else _as_policy_has_it(value)
            _policy({name: said[name]}, where)
        elif value != rulebook.knobs()[name].default:
            raise TargetError(
                "configuration",
                f"the reference verifier leaves no choice of '{name}': it is {rulebook.knobs()[name].default}",
                where,
            )
    return _policy(said, ("profile", "knobs"))


def _policy(said: Mapping[str, Any], where: tuple[str, ...]) -> Policy:
    """Return the policy with these values; `where` they stand in a target file is told of a broken floor."""
    try:
        return replace(_POLICY, **said)
    except ValueError as broken:
        raise TargetError("configuration", f"the profile breaks a floor: {broken}", where) from None


def _as_policy_has_it(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class ReferenceTarget:
    """The reference verifier behind the target protocol (version 1); `now` is obeyed from the first one seen."""

    def __init__(self, policy: Policy = _POLICY) -> None:
        self._now = 0.0
        self._elapsed = 0.0
        self._policy = policy
        self._nodes = [self._node()]
        self._live: dict[str, tuple[IntegrationRecord, tuple[User, ...]]] = {}
        self._purged: list[tuple[str, str]] = []
        self._apis: dict[int, tuple[BackgroundServer, Door]] = {}

    def _node(self) -> Verifier:
        fetch = NearFetch(
            HttpFetch(allow_local=self._policy.allow_local_jwks, redirects=self._policy.redirects)
        )
        return Verifier(
            self._policy, clock=self._time, monotonic=self._monotonic, fetch=fetch, spawn=_at_once
        )

    def _time(self) -> float:
        return self._now

    def _monotonic(self) -> float:
        return self._elapsed

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
        users = tuple(_user(user) for user in message["users"])
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

    def purge(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `purge`: the key is out at every endpoint, also at one that starts later."""
        self._purged.append((message["id"], message["thumbprint"]))
        for node in self._nodes:
            node.purge_key(message["id"], thumbprint=message["thumbprint"])
        return {"ok": True}

    def authenticate(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `authenticate`, at the endpoint that is asked."""
        self._tell_time(message)
        number = message.get("endpoint", 1)
        node = self._endpoint(number)
        if "request" in message:
            return self._door(number).ask({**message, "endpoint": 1}, _HTTP_S)
        token = message["token"] if "token" in message else base64.b64decode(message["token_base64"])
        try:
            identity = node.authenticate(token)
        except TokenRejected as rejected:
            said = {"reason": rejected.reason, "detail": rejected.detail, "about": rejected.claim}
            return {"verdict": "reject", **said}  # `about` is for who asks it directly
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
        self._purged.clear()
        self._close_apis(above=1)
        for _, door in self._apis.values():
            door.forget()
        del self._nodes[1:]
        self._nodes[0].reset()
        return {"ok": True}

    def stop(self, _message: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `stop`."""
        self._close_apis(above=0)
        return {"ok": True}

    def _door(self, number: int) -> Door:
        """Return the door of the protected API around the verifier of an endpoint; it is served when first asked."""
        if number not in self._apis:
            for name in ("verifier", "uvicorn"):  # its log is for who deploys it: here the answers count
                logging.getLogger(name).addHandler(logging.NullHandler())
            app = create_app(Registry(self._endpoint(number)), propagation_s=_NEVER_S)
            server = BackgroundServer(app)
            self._apis[number] = server, Door(_HTTP, server.url, Path())
        return self._apis[number][1]

    def _close_apis(self, *, above: int) -> None:
        for number in [number for number in self._apis if number > above]:
            server, door = self._apis.pop(number)
            door.close()
            server.close()

    def _endpoint(self, number: int) -> Verifier:
        """Return the verifier of a product endpoint; the second one starts when it is first asked (MAP-048)."""
        while len(self._nodes) < number:
            node = self._node()
            for record, users in self._live.values():
                node.onboard(record, users, first_fetch="tried")
            for integration, thumbprint in self._purged:
                node.purge_key(integration, thumbprint=thumbprint)
            self._nodes.append(node)
        return self._nodes[number - 1]

    def _tell_time(self, message: Mapping[str, Any]) -> None:
        now = float(message.get("now", self._now))
        # OPS-016: a wall clock that is set back takes no time away that has passed.
        self._elapsed += max(0.0, now - self._now)
        self._now = now


def reference_session(profile: Profile | None = None) -> Session:
    """Return a session with the reference verifier, not yet started, whose policy is what the profile declares.

    Raises `TargetError` (`configuration`) for knobs that it has no code for.
    """
    return Session(reference_channel(profile or Profile()), profile=profile)


def reference_channel(profile: Profile) -> ObjectTarget:
    """Return the channel to a reference verifier that obeys a profile; raises as `reference_session` does."""
    return ObjectTarget(partial(ReferenceTarget, policy_of(profile.knobs)))


def _user(raw: Mapping[str, Any]) -> User:
    claim = raw.get("claim", "sub")
    return User(
        raw["name"],
        raw["external_id"] or "",
        active=raw["active"],
        claim=claim,
        enrolled=claim != "sub",
        api_access=raw.get("api_access", True),
    )


def _at_once(work: Callable[[], None]) -> None:
    """Do at once what a deployment does in the background: a scenario's answers must not hang on threads."""
    work()


def _record(raw: Mapping[str, Any]) -> IntegrationRecord:
    known = {name: raw[name] for name in IntegrationRecord.__dataclass_fields__ if name in raw}
    for form in ("certificates", "public_keys"):
        if isinstance(files := known.get(form), list):
            known[form] = [
                CertificateFile(kid=file.get("kid"), content=_content(file), name=file.get("name", ""))
                for file in files
            ]
    return IntegrationRecord(**{"id": raw.get("id"), **known})


def _content(file: Mapping[str, Any]) -> bytes:
    if "pem_base64" in file:
        return base64.b64decode(file["pem_base64"])
    return str(file["pem"]).encode()

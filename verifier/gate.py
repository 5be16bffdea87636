"""The one call that protects an API: from a request to the user behind it, or to the answer that refuses it.

Every hook (ASGI, FastAPI, WSGI) and the protected API ask a `Gate`, so that one token is one user everywhere
(MAP-048). It logs what it decides, and must never log a token, a secret, or text from outside that is not made
harmless (OPS-014, HTTP-018).
"""

import hashlib
import ipaddress
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from verifier.bearer import (
    INSECURE,
    INVALID_REQUEST,
    INVALID_TOKEN,
    NO_ACCESS,
    NO_SCOPE,
    TOO_LARGE,
    Answer,
    CredentialRefused,
    RawHeaders,
    bearer_token,
    has_token_field,
)
from verifier.errors import TokenRejected, WouldWait
from verifier.verifier import Identity, Verifier

LOGGER: Final = logging.getLogger("verifier.gate")
"""One record a request: `INFO` for who came in, `WARNING` for who did not; `record.fields` has the facts."""

_ANSWERS: Final = {"too_large": TOO_LARGE, "scope": NO_SCOPE}
"""What is answered to a rejected token, where that is not the answer to any other (HTTP-017)."""
_HASH_CHARS = 16
_SHOWN_CHARS = 80


@dataclass(frozen=True, slots=True)
class Request:
    """What is known of a request before its body is read.

    `headers` as they came in; `query` raw, without the question mark; `client` is the peer's address, or "" for
    one that is not known; `secure` tells whether it came over TLS.
    """

    headers: RawHeaders
    query: bytes
    client: str
    secure: bool


@dataclass(slots=True)
class Decision:
    """What became of a request: an identity or an answer, and what is to be logged of it."""

    identity: Identity | None = None
    answer: Answer | None = None
    reason: str | None = None
    detail: str = ""
    integration: str | None = None
    kid: str | None = None
    token_hash: str | None = None
    started: float = 0.0

    def refuse(self, answer: Answer, reason: str) -> None:
        """Turn the request away after all."""
        self.identity, self.answer, self.reason = None, answer, reason

    def check_form(self, body: bytes) -> None:
        """Turn a request away whose form body holds a second token (HTTP-010)."""
        if has_token_field(body):
            self.refuse(INVALID_REQUEST, "credential_twice")

    def log(self, status: int, **more: Any) -> None:
        """Write the one record of this request (MAP-046, OPS-015); `status` is what was answered."""
        identity = self.identity
        level = logging.INFO if identity else logging.WARNING
        if not LOGGER.isEnabledFor(level):
            return
        fields: dict[str, Any] = {
            "reason": self.reason,
            "status": status,
            "integration": identity.integration if identity else self.integration,
            "kid": _shown(identity.kid if identity else self.kid),
            "token_sha256": self.token_hash,
            "duration_ms": round((time.perf_counter() - self.started) * 1000, 3),
            **more,
        }
        if identity:
            fields |= {"user": identity.user, "claim": identity.claim, "fallback": identity.fallback}
            fields["iss"] = _shown(identity.claims.get("iss"))
        elif self.detail:
            fields["detail"] = self.detail
        LOGGER.log(level, "accepted" if identity else "refused", extra={"fields": fields})


class Gate:
    """Decides about requests by a verifier.

    `insecure_http` takes plain HTTP from anywhere, which only a test may do; else it is taken from loopback, and
    from the `trusted_proxies` (addresses or networks) if they say `X-Forwarded-Proto: https` (HTTP-026).
    ValueError for a proxy that is neither.
    """

    def __init__(
        self, verifier: Verifier, *, insecure_http: bool = False, trusted_proxies: Iterable[str] = ()
    ) -> None:
        self._verifier = verifier
        self._insecure_http = insecure_http
        self._proxies = tuple(ipaddress.ip_network(proxy) for proxy in trusted_proxies)

    def decide(self, request: Request, *, wait: bool = True, patient: bool = True) -> Decision:
        """Judge a request; the caller logs the decision when it knows the status.

        WouldWait unless `wait`, if a JWKS had to be fetched first: see `Verifier.authenticate`. Who is not `patient`
        any more is judged by the keys that are at hand.
        """
        made = Decision(started=time.perf_counter())
        if not self.is_private(request):
            made.refuse(INSECURE, "insecure_transport")
            return made
        try:
            token = bearer_token(request.headers, request.query, self._verifier.policy.max_token_bytes)
        except CredentialRefused as refused:
            made.refuse(refused.answer, refused.fault)
            return made
        made.token_hash = hashlib.sha256(token).hexdigest()[:_HASH_CHARS]
        try:
            identity = self._verifier.authenticate(token, wait=wait)
        except (TokenRejected, WouldWait) as problem:
            if patient and isinstance(problem, WouldWait):
                raise
            rejected = problem.rejected if isinstance(problem, WouldWait) else problem
            made.refuse(_ANSWERS.get(rejected.reason, INVALID_TOKEN), rejected.reason)
            made.detail = rejected.detail
            made.integration, made.kid = rejected.integration, rejected.kid
            return made
        if identity.api_access:
            made.identity = identity
        else:
            made.integration, made.kid = identity.integration, identity.kid
            made.refuse(NO_ACCESS, "no_api_access")
        return made

    def is_private(self, request: Request) -> bool:
        """Tell whether nobody on the way could read the request (HTTP-026)."""
        if request.secure or self._insecure_http:
            return True
        address = _address(request.client)
        if address is None:
            return False
        if any(address in network for network in self._proxies):
            said = [value for name, value in request.headers if name.lower() == b"x-forwarded-proto"]
            return [value.strip().lower() for value in said] == [b"https"]
        return address.is_loopback


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _shown(text: object) -> str | None:
    return text[:_SHOWN_CHARS] if isinstance(text, str) else None

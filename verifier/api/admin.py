"""The admin API: integrations, users, activation and the purge of keys, for who shows the admin token.

Must never be reached by a Bearer token of a customer's IdP, and never echo what a body held.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from verifier.api.bodies import (
    BodyError,
    integration_of,
    known_members,
    members,
    user_document,
    users_of,
)
from verifier.api.registry import Registry, UnknownIntegration
from verifier.api.state import StateError
from verifier.bearer import UNAUTHENTICATED, Answer, CredentialRefused, answer, bearer_token
from verifier.compact import decode_json
from verifier.errors import OnboardingAsked, OnboardingRefused

PREFIX: Final = b"/admin/"
MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""Longest body: some 400,000 users."""

LOGGER: Final = logging.getLogger("verifier.admin")
_THREADS: Final = 8
_MAX_TOKEN_BYTES: Final = 4096
_SHOWN_CHARS: Final = 80
_FIRST_ERROR: Final = 400

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of an operation: the id and the last part of the path, and the body."""

    identifier: str
    last: str
    body: bytes


def _json(status: int, document: object) -> Answer:
    return answer(status, json.dumps(document).encode())


def _error(status: int, error: str, **more: str | None) -> Answer:
    return _json(status, {"error": error, **{name: text for name, text in more.items() if text}})


_NOT_FOUND: Final = _error(404, "not_found")


class Admin:
    """Answers the requests below `/admin/`. Operations run in threads: one may wait for an IdP."""

    def __init__(self, registry: Registry, token: str) -> None:
        self._registry = registry
        self._token = _digest(token.encode())
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="admin")

    async def answer(self, scope: _Message, receive: _Receive, number: str) -> Answer:
        """Return the answer to a request of any method; `number` is its id in the log."""
        started = time.perf_counter()
        try:
            token = bearer_token(scope["headers"], scope["query_string"], _MAX_TOKEN_BYTES)
        except CredentialRefused as refused:
            return self.refused(refused.fault, refused.answer, scope, number)
        if not hmac.compare_digest(_digest(token), self._token):
            return self.refused("admin_token", UNAUTHENTICATED, scope, number)
        body = await _read(receive)
        if body is None:
            return self.refused("body_too_large", _error(413, "body_too_large"), scope, number)
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._pool, self._operate, scope["method"], scope["raw_path"], body
        )
        fields = {
            **_of_request(scope, found, number),
            "reason": _reason(found),
            "duration_ms": round((time.perf_counter() - started) * 1000, 3),
        }
        LOGGER.info("operation", extra={"fields": fields})
        return found

    def refused(self, reason: str, found: Answer, scope: _Message, number: str) -> Answer:
        """Log that a request did not come as far as an operation, and return its answer."""
        LOGGER.warning("refused", extra={"fields": {**_of_request(scope, found, number), "reason": reason}})
        return found

    def _operate(self, method: str, path: bytes, body: bytes) -> Answer:
        try:
            place, call = _place(path, body)
        except ValueError:
            return _NOT_FOUND
        operations = _OPERATIONS.get(place, {})
        if operation := operations.get(method):
            return self._run(operation, call)
        if not operations:
            return _NOT_FOUND
        allow = ", ".join(sorted(operations)).encode()
        return answer(405, b'{"error":"method_not_allowed"}', (b"allow", allow))

    def _run(self, operation: "_Operation", call: _Call) -> Answer:
        try:
            return operation(self._registry, call)
        except BodyError as fault:
            return _error(400, "invalid_body", field=fault.field, detail=fault.detail)
        except UnknownIntegration:
            return _error(404, "unknown_integration")
        except OnboardingRefused as refused:
            verdict = {"verdict": "refused", "reason": refused.reason, "field": refused.field}
            return _json(422, {**verdict, "detail": refused.detail})
        except OnboardingAsked as asked:
            return _json(409, {"verdict": "asked", "about": asked.about, "detail": asked.detail})
        except StateError as problem:
            LOGGER.error("state_unavailable", extra={"fields": {"detail": str(problem)}})  # noqa: TRY400 - one line
            return _error(503, "state_unavailable")


def _list(registry: Registry, _: _Call) -> Answer:
    registry.sync()
    return _json(200, {"integrations": registry.ids()})


def _put(registry: Registry, call: _Call) -> Answer:
    found = members(call.body, frozenset({"integration", "users", "active"}))
    record = integration_of(found.get("integration"))
    if record.setdefault("id", call.identifier) != call.identifier:
        raise BodyError("another id than in the path", "integration.id")
    users = users_of(found["users"]) if "users" in found else None
    active = found.get("active")
    if not isinstance(active, bool | None):
        raise BodyError("true or false", "active")
    done = registry.onboard(record, users, active=active)
    return _json(200, {"verdict": "onboarded", "warnings": list(done.warnings)})


def _get(registry: Registry, call: _Call) -> Answer:
    stored = registry.get(call.identifier)
    shown = {"integration": stored.record, "active": stored.active, "purged": sorted(stored.purged)}
    return _json(200, {**shown, "users": len(stored.users)})


def _delete(registry: Registry, call: _Call) -> Answer:
    if not registry.offboard(call.identifier):
        raise UnknownIntegration(call.identifier)
    return _json(200, {"verdict": "offboarded"})


def _get_users(registry: Registry, call: _Call) -> Answer:
    stored = registry.get(call.identifier)
    return _json(200, {"users": [user_document(user) for user in stored.users]})


def _put_users(registry: Registry, call: _Call) -> Answer:
    users = users_of(_required(call.body, "users"))
    registry.set_users(call.identifier, users)
    return _json(200, {"users": len(users)})


def _patch_users(registry: Registry, call: _Call) -> Answer:
    users = users_of(_required(call.body, "users"))
    registry.merge_users(call.identifier, users)
    return _json(200, {"changed": len(users)})


def _activate(registry: Registry, call: _Call) -> Answer:
    registry.set_active(call.identifier, active=True)
    return _json(200, {"active": True})


def _deactivate(registry: Registry, call: _Call) -> Answer:
    registry.set_active(call.identifier, active=False)
    return _json(200, {"active": False})


def _purge(registry: Registry, call: _Call) -> Answer:
    return _json(200, {"purged": sorted(_purged(registry, call))})


def _purged(registry: Registry, call: _Call) -> tuple[str, ...]:
    found = members(call.body, frozenset({"kid", "thumbprint"}))
    kid, thumbprint = found.get("kid"), found.get("thumbprint")
    if not isinstance(kid, str | None) or not isinstance(thumbprint, str | None):
        raise BodyError("kid and thumbprint are texts")
    try:
        return registry.purge_key(call.identifier, kid=kid, thumbprint=thumbprint)
    except UnknownIntegration:
        raise
    except LookupError:
        raise BodyError("no key is held under this kid", "kid") from None
    except ValueError as fault:
        raise BodyError(str(fault)) from None


def _restore(registry: Registry, call: _Call) -> Answer:
    if not registry.restore_key(call.identifier, call.last):
        return _error(404, "not_purged")
    return _json(200, {"restored": call.last})


_Operation = Callable[[Registry, _Call], Answer]
_OPERATIONS: Final[dict[str, dict[str, _Operation]]] = {
    "integrations": {"GET": _list},
    "integrations/*": {"GET": _get, "PUT": _put, "DELETE": _delete},
    "integrations/*/users": {"GET": _get_users, "PUT": _put_users, "PATCH": _patch_users},
    "integrations/*/activate": {"POST": _activate},
    "integrations/*/deactivate": {"POST": _deactivate},
    "integrations/*/purge": {"POST": _purge},
    "integrations/*/purge/*": {"DELETE": _restore},
}


def _of_request(scope: _Message, found: Answer, number: str) -> dict[str, Any]:
    """Return what the log has of every request: of the path, the operation and the id of the integration.

    An id too long to be one that a person chose may be a token that got into the path, and is left out (HTTP-018).
    """
    try:
        place, call = _place(scope["raw_path"], b"")
    except ValueError:
        place, call = "", _Call("", "", b"")
    known = place in _OPERATIONS
    named = known and 0 < len(call.identifier) <= _SHOWN_CHARS
    return {
        "request_id": number,
        "method": scope["method"],
        "path": f"/admin/{place}" if known else None,
        "integration": call.identifier if named else None,
        "status": found.status,
    }


def _reason(found: Answer) -> str | None:
    """Return the word by which an operation was refused, None where it was not."""
    if found.status < _FIRST_ERROR:
        return None
    document = json.loads(found.body)
    return str(document.get("reason") or document.get("error") or document.get("about"))


def _place(path: bytes, body: bytes) -> tuple[str, _Call]:
    """Cut a path into an operation's place and what stands in it; ValueError for what is no text."""
    parts = path[len(PREFIX) :].split(b"/")
    texts = [unquote_to_bytes(part).decode("utf-8") for part in parts]
    shape = [part if number % 2 == 0 else "*" for number, part in enumerate(texts)]
    if not all(texts):
        raise ValueError("an empty part")
    identifier = texts[1] if len(texts) > 1 else ""
    return "/".join(shape), _Call(identifier, texts[-1], body)


def _required(body: bytes, name: str) -> object:
    try:
        return known_members(decode_json(body), frozenset({name}), "").get(name)
    except ValueError as fault:
        raise BodyError(str(fault)) from None


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


async def _read(receive: _Receive) -> bytes | None:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)

"""The messages of the target protocol, version 1: what is sent, and what an answer may say.

Pure data in, pure data out: nothing here talks, waits or judges. An answer that breaks the protocol is a
`ProtocolViolation` and never quietly read as something near it. Nothing here ever puts a scenario's id, title
or expectation into a message. The contract for people who write targets is `docs/protocol.md`.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from scenarios.files.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

PROTOCOL: Final = 1
"""The version that `start` names."""

Kind: TypeAlias = Literal["accept", "reject", "onboarded", "refused", "asked", "unsupported", "error", "done"]

REJECT_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "malformed": "The credential is no well-formed token.",
        "algorithm_not_allowed": "The algorithm is unknown, not allowed, or not the one of the key.",
        "unknown_key": "No key of the integration is the one that the token names.",
        "bad_signature": "The signature does not verify.",
        "header_not_allowed": "A header parameter is critical and not understood, or not allowed here.",
        "expired": "The token's time is over.",
        "not_yet_valid": "The token's time has not begun.",
        "issuer": "The issuer is not one that was onboarded.",
        "audience": "The token is meant for somebody else.",
        "claim_missing": "A claim that must be there is not.",
        "claim_type": "A claim has the wrong JSON type.",
        "claim_value": "A claim has the right type and a value that is not allowed.",
        "token_type": "The token is of another kind than the one that is asked for.",
        "too_large": "The token, or a part of it, is above a limit.",
        "no_user": "The token is true and names nobody.",
        "user_inactive": "The token is true and names a user who may not enter.",
        "user_ambiguous": "The token is true and names more than one user.",
        "unavailable": "The token could not be judged: something that is needed could not be reached.",
        "lifetime": "The token lives longer than is allowed.",
        "scope": "The token does not carry the permission that is needed.",
        "credential": "The request carries no usable credential, or more than one.",
        "other": "The target cannot tell, or has no nearer word.",
    }
)
"""Reasons of a `reject`: a closed list, each with its meaning."""

REFUSE_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "entity_id_missing": "There is no entity id.",
        "entity_id_taken": "The entity id belongs to another integration.",
        "id_missing": "Something that must be named has no id.",
        "keys_missing": "There is neither a certificate nor a key nor a JWKS URL.",
        "keys_conflict": "Two ways to give keys exclude each other.",
        "too_many_certificates": "There are more certificates than are allowed.",
        "not_a_certificate": "A file holds something else than a certificate.",
        "malformed_certificate": "A certificate cannot be read.",
        "private_key": "A private key was sent, which nobody should have.",
        "shared_secret": "A shared secret was sent where a public key belongs.",
        "weak_key": "A key is too weak or broken.",
        "kid_conflict": "Two different keys have one kid.",
        "kid_missing": "A key has no kid where one is needed.",
        "selection_missing": "Several certificates were sent and none was selected.",
        "selection_unknown": "A certificate was selected that was not sent.",
        "jwks_url": "The JWKS URL is none, or one that is not allowed.",
        "jwks_unusable": "The JWKS URL answers nothing that can be used.",
        "issuer_missing": "There is no issuer.",
        "audience_missing": "There is no audience.",
        "issuer_reserved": "The issuer is one that only the vendor may use.",
        "issuer_taken": "The issuer belongs to another integration.",
        "several_values": "There are several values where one is needed.",
        "value_format": "A value has a form that is not allowed.",
        "sample_unverified": "The sample token does not verify with the keys that were sent.",
        "sample_incomplete": "The sample token lacks a value that is needed from it.",
        "sample_mismatch": "The sample token and a value that was sent contradict each other.",
        "sample_malformed": "The sample token is no well-formed token.",
        "custom_claim": "The name of the custom claim is not allowed.",
        "idp_name": "The name of the IdP is not allowed.",
        "algorithm": "An algorithm is not allowed.",
        "leeway": "The leeway is not allowed.",
        "user": "A user record is not allowed.",
        "other": "The target cannot tell, or has no nearer word.",
    }
)
"""Reasons of a `refused`: a closed list, each with its meaning."""

REASONS: Final[frozenset[str]] = frozenset(REJECT_REASONS) | frozenset(REFUSE_REASONS)
"""Every reason; a `reject` may carry a reason of onboarding and a `refused` one of authentication."""

CAPABILITIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "clock": "It obeys `now`.",
        "reset": "It forgets integrations, users and caches when told.",
        "users": "It maps External IDs to users itself, and an accept names the user.",
        "onboarding": "It judges the record of an integration itself.",
        "reasons": "Its reasons are meaningful.",
        "concurrent": "It takes a request before it has answered the one before.",
        "audit": "An accept says which claim found the user, and whether that was the fallback (MAP-046).",
        "endpoints": 'It has a second product endpoint, reached by `"endpoint": 2` (MAP-048).',
        "purge": "It takes a key out at once, for good and at every endpoint, when told to (KEY-024).",
        "http": "It takes a whole HTTP request, and says with what status, headers and body it was answered.",
        "permissions": "It knows users who may not use the API (MAP-040).",
    }
)
"""What a target can declare beyond taking a token: a closed list, each with its meaning."""

KEY_FORMS: Final = ("jwks_uri", "jwks", "certificates", "public_keys")
"""The forms in which an integration's keys travel."""
ALGORITHMS: Final = (
    *(f"{family}{size}" for family in ("RS", "PS", "ES", "HS") for size in (256, 384, 512)),
    *("EdDSA", "Ed25519", "Ed448", "ES256K", "none"),
)
"""The names of signature algorithms that a profile may list (RFC 7518 section 3.1, RFC 8037, RFC 8812, RFC 9864)."""
CHECKS: Final = ("iss", "aud", "exp", "nbf", "iat")
"""The claims that a target may say it does not check itself."""
HTTPS_ONLY: Final = "https_only"
"""Stands beside `jwks_uri` where the target takes no `http:` URL."""
SCOPES: Final = ("library", "service", "system")
"""Kinds of target, the smallest first (rulebook, introduction)."""

MAX_TEXT: Final = 2_000
"""A detail, a name or a warning is cut off here (characters)."""
MAX_LIST: Final = 200
"""A list in an answer with more members than this breaks the protocol."""

_FORM_PARTS: Final[Mapping[str, str]] = MappingProxyType({"selected": "certificates", "ca_file": "jwks_uri"})
"""Members of an integration that mean something only beside a key form."""


class ProtocolViolation(Exception):  # noqa: N818 - the name says what it is: nobody erred but the target
    """An answer that the protocol does not allow; the message is one sentence for the target's author."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a target said about itself in answer to `start`; None where it said nothing."""

    name: str = ""
    version: str = ""
    language: str = ""
    scope: str | None = None
    keys: tuple[str, ...] | None = None
    algorithms: tuple[str, ...] | None = None
    capabilities: tuple[str, ...] | None = None

    def can(self, capability: str) -> bool:
        """Return whether the capability was declared."""
        return capability in (self.capabilities or ())


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a request over HTTP was answered: names of headers in lower case, each character of a text one byte."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""

    def all(self, name: str) -> tuple[str, ...]:
        """Return the values of every header line of a name (in lower case)."""
        return tuple(value for said, value in self.headers if said == name)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a target did with one request.

    `reason` is one of `REASONS` for `reject` and `refused`, and `crash`, `timeout`, `protocol` or `unclear` for
    `error`: unclear is an HTTP answer that is neither the yes nor the no of the profile. `user` and `claims` are
    verbatim what the target said; `detail`, `about`, `capability` and `warnings` are cut to `MAX_TEXT` characters
    and hold no control characters. `http` is there where the request came as a whole (capability `http`).
    """

    kind: Kind
    user: str | None = None
    claims: Mapping[str, Any] | None = None
    reason: str | None = None
    detail: str = ""
    about: str | None = None
    capability: str | None = None
    warnings: tuple[str, ...] = ()
    mapped_by: str | None = None
    fallback: bool | None = None
    http: HttpAnswer | None = None


DONE: Final = Verdict("done")
"""The answer to `offboard`, `purge`, `reset` and `stop`."""


def readable(text: str, limit: int = MAX_TEXT) -> str:
    """Return text that any terminal or file can hold: at most `limit` characters, and none for control."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def shown(value: object, limit: int = 60) -> str:
    """Return a value as a message quotes it, however large or strange it is."""
    if isinstance(value, str):
        return f"'{readable(value, limit)}'"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, (int, float)):
        return readable(str(value), limit) if abs(value) < 10**limit else "a number with many digits"
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    return f"a value of type {type(value).__name__}"


# What is sent.


def start_message() -> dict[str, Any]:
    """Return `start`, without its seq."""
    return {"cmd": "start", "protocol": PROTOCOL}


def onboard_message(
    integration: Mapping[str, Any],
    users: Sequence[Mapping[str, Any]],
    forms: Iterable[str],
    *,
    now: float | None = None,
) -> dict[str, Any]:
    """Return `onboard`, without its seq, with the key forms in `forms` alone; `now` as in `authenticate`.

    A member whose value is bytes travels as text, or as `<name>_base64` when the bytes are no valid UTF-8.
    """
    taken = frozenset(forms)
    record = {
        name: value
        for name, value in integration.items()
        if (form := _FORM_PARTS.get(name, name)) not in KEY_FORMS or form in taken
    }
    return {"cmd": "onboard", "integration": _wire(record), "users": _wire(list(users)), **_time(now)}


def offboard_message(integration_id: str) -> dict[str, Any]:
    """Return `offboard`, without its seq."""
    return {"cmd": "offboard", "id": integration_id}


def purge_message(integration_id: str, thumbprint: str) -> dict[str, Any]:
    """Return `purge`, without its seq; the key goes by its RFC 7638 thumbprint."""
    return {"cmd": "purge", "id": integration_id, "thumbprint": thumbprint}


def authenticate_message(
    token: str | bytes,
    *,
    now: float | None = None,
    endpoint: int | None = None,
    request: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return `authenticate`, without its seq; `now` in seconds since 1970, an integer when it is whole.

    `request` is the HTTP request as a whole, the token in it (`docs/protocol.md`).
    """
    message = {"cmd": "authenticate", **_text_or_base64("token", token), **_time(now)}
    if endpoint is not None:
        message["endpoint"] = endpoint
    if request is not None:
        message["request"] = dict(request)
    return message


def _time(now: float | None) -> dict[str, Any]:
    if now is None:
        return {}
    return {"now": int(now) if float(now).is_integer() else now}


_PLAIN: Final = frozenset({str, bool, int, float})


def _wire(value: Any) -> Any:
    if value is None or type(value) in _PLAIN:  # most are
        return value
    if isinstance(value, (list, tuple)):
        return [_wire(item) for item in value]
    if not hasattr(value, "items"):
        return value
    members: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, bytes):
            members |= _text_or_base64(name, item)
        else:
            members[name] = _wire(item)
    return members


def _text_or_base64(name: str, value: str | bytes) -> dict[str, str]:
    try:
        # A lone surrogate is text to Python alone; as bytes it is no valid UTF-8 and so travels as base64.
        return {name: value.decode() if isinstance(value, bytes) else value.encode().decode()}
    except UnicodeError:
        raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
        return {f"{name}_base64": base64.b64encode(raw).decode("ascii")}


# What is answered. A member that is null counts as one that is not there.


def parse_start(message: Mapping[str, Any], seq: int) -> Declaration:
    """Read the answer to `start`; raises `ProtocolViolation`."""
    _check_seq(message, seq)
    _check_ok(message, "start")
    scope = _text(message, "scope")
    if scope is not None and scope not in SCOPES:
        raise ProtocolViolation(f"its scope is {shown(scope)}{nearest(scope, SCOPES)}")
    keys = _words(message, "keys", (*KEY_FORMS, HTTPS_ONLY))
    if keys is not None and HTTPS_ONLY in keys and "jwks_uri" not in keys:
        keys = ("jwks_uri", *keys)  # `https_only` says something of jwks_uri alone
    return Declaration(
        name=_text(message, "name") or "",
        version=_text(message, "version") or "",
        language=_text(message, "language") or "",
        scope=scope,
        keys=keys,
        algorithms=_words(message, "algorithms"),
        capabilities=_words(message, "capabilities", CAPABILITIES),
    )


def parse_answer(message: Mapping[str, Any], cmd: str, seq: int, declaration: Declaration) -> Verdict:
    """Read the answer to any request but `start`; raises `ProtocolViolation` with one sentence."""
    _check_seq(message, seq)
    readers = _READERS[cmd]
    kind = _text(message, "verdict")
    if kind is None and cmd in _ACKNOWLEDGED:
        _check_ok(message, cmd)
        return DONE
    if kind is None:
        raise ProtocolViolation(f"its answer to {cmd} has no verdict")
    reader = readers.get(kind)
    if reader is None:
        raise ProtocolViolation(f"{shown(kind)} is no verdict of {cmd}{nearest(kind, readers)}")
    return reader(message, declaration)


def _onboarded(message: Mapping[str, Any], _declaration: Declaration) -> Verdict:
    return Verdict("onboarded", warnings=_warnings(message), detail=_text(message, "detail") or "")


def _offboarded(_message: Mapping[str, Any], _declaration: Declaration) -> Verdict:
    return DONE


def _refused(message: Mapping[str, Any], _declaration: Declaration) -> Verdict:
    return _with_reason("refused", message)


def _reject(message: Mapping[str, Any], _declaration: Declaration) -> Verdict:
    return _with_reason("reject", message)


def _unclear(message: Mapping[str, Any], _declaration: Declaration) -> Verdict:
    answer = _http(message)
    if answer is None:
        raise ProtocolViolation("its verdict is 'unclear' and it does not say what was answered: http")
    reason = "crash" if answer.status >= 500 else "unclear"  # RFC 9110 section 15.6: the server failed
    return Verdict("error", reason=reason, detail=_text(message, "detail") or "", http=answer)


def _with_reason(kind: Literal["reject", "refused"], message: Mapping[str, Any]) -> Verdict:
    reason = _text(message, "reason")
    if reason is None:
        reason = "other"  # a target that only knows yes and no need not say that it cannot tell
    if reason not in REASONS:
        raise ProtocolViolation(f"its reason {shown(reason)} is not in the list{nearest(reason, REASONS)}")
    detail = _text(message, "detail") or ""
    return Verdict(kind, reason=reason, detail=detail, warnings=_warnings(message), http=_http(message))


def _asked(message: Mapping[str, Any], _declaration: Declaration) -> Verdict:
    about = _text(message, "about")
    if about is None:
        raise ProtocolViolation("its verdict is 'asked' and it does not say what about")
    return Verdict("asked", about=about, detail=_text(message, "detail") or "", warnings=_warnings(message))


def _unsupported(message: Mapping[str, Any], _declaration: Declaration) -> Verdict:
    capability = _text(message, "capability")
    if capability is None:
        raise ProtocolViolation("its verdict is 'unsupported' and it names no capability")
    detail = _text(message, "detail") or ""
    return Verdict("unsupported", capability=capability, detail=detail, warnings=_warnings(message))


def _accept(message: Mapping[str, Any], declaration: Declaration) -> Verdict:
    user = message.get("user")
    claims = message.get("claims")
    if user is not None and not isinstance(user, str):
        raise ProtocolViolation(f"the user that it accepts is {shown(user)}, not a string")
    if claims is not None and not isinstance(claims, dict):
        raise ProtocolViolation(f"the claims of its accept are {shown(claims)}, not an object")
    if user is None and declaration.can("users"):
        raise ProtocolViolation("it declares 'users' and its accept names no user")
    if user is None and claims is None:
        raise ProtocolViolation("its accept has neither a user nor claims")
    mapped_by, fallback = _text(message, "mapped_by"), message.get("fallback")
    if fallback is not None and not isinstance(fallback, bool):
        raise ProtocolViolation(f"the fallback of its accept is {shown(fallback)}, neither true nor false")
    if declaration.can("audit") and (mapped_by is None or fallback is None):
        raise ProtocolViolation("it declares 'audit' and its accept lacks mapped_by or fallback")
    return Verdict(
        "accept",
        user=user,
        claims=claims,
        detail=_text(message, "detail") or "",
        warnings=_warnings(message),
        mapped_by=mapped_by,
        fallback=fallback,
        http=_http(message),
    )


def _http(message: Mapping[str, Any]) -> HttpAnswer | None:
    said = message.get("http")
    if said is None:
        return None
    if not isinstance(said, dict):
        raise ProtocolViolation(f"its http is {shown(said)}, not an object")
    status, headers, body = said.get("status"), said.get("headers", []), said.get("body", "")
    if type(status) is not int or not 100 <= status <= 999:
        raise ProtocolViolation(f"the status of its http is {shown(status)}, not a number of three digits")
    good = isinstance(headers, list) and len(headers) <= MAX_LIST and isinstance(body, str)
    if not good or not all(_is_header(header) for header in headers):
        raise ProtocolViolation(
            f"its http has headers as a list of at most {MAX_LIST} pairs of strings, and a body that is a string"
        )
    return HttpAnswer(status, tuple((name.lower(), value) for name, value in headers), body)


def _is_header(header: object) -> bool:
    return isinstance(header, list) and len(header) == 2 and all(isinstance(part, str) for part in header)


_Reader: TypeAlias = "Callable[[Mapping[str, Any], Declaration], Verdict]"

_READERS: Final[Mapping[str, Mapping[str, _Reader]]] = {
    "onboard": {
        "onboarded": _onboarded,
        "refused": _refused,
        "asked": _asked,
        "unsupported": _unsupported,
    },
    "authenticate": {
        "accept": _accept,
        "reject": _reject,
        "unclear": _unclear,
        "unsupported": _unsupported,
    },
    "offboard": {"offboarded": _offboarded, "unsupported": _unsupported},
    "purge": {"unsupported": _unsupported},
    "reset": {},
    "stop": {},
}
_ACKNOWLEDGED: Final = frozenset({"offboard", "purge", "reset", "stop"})


def _check_seq(message: Mapping[str, Any], seq: int) -> None:
    answered = message.get("seq")
    if type(answered) is not int or answered != seq:
        said = f"has the seq {shown(answered)}" if "seq" in message else "has no seq"
        raise ProtocolViolation(f"its answer {said} where the request had {seq}")


def _check_ok(message: Mapping[str, Any], cmd: str) -> None:
    if message.get("ok") is not True:
        said = f"says ok: {shown(message['ok'])}" if "ok" in message else "does not say ok: true"
        why = next(
            (message[name] for name in ("error", "reason", "detail") if isinstance(message.get(name), str)),
            "",
        )
        because = f", because {shown(why, 400)}" if why else ""
        raise ProtocolViolation(f"its answer to {cmd} {said}{because}")


def _text(message: Mapping[str, Any], name: str) -> str | None:
    value = message.get(name)
    if value is not None and not isinstance(value, str):
        raise ProtocolViolation(f"its {name} is {shown(value)}, not a string")
    return None if value is None else readable(value)


def _list(message: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    value = message.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MAX_LIST:
        raise ProtocolViolation(f"its {name} are no list of at most {MAX_LIST} strings: {shown(value)}")
    for item in value:
        if not isinstance(item, str):
            raise ProtocolViolation(f"its {name} hold {shown(item)}, not a string")
    return tuple(readable(item) for item in value)


def _words(
    message: Mapping[str, Any], name: str, known: Iterable[str] | None = None
) -> tuple[str, ...] | None:
    words = _list(message, name)
    if words is None:
        return None
    unknown = next((word for word in words if known is not None and word not in known), None)
    if unknown is not None and known is not None:
        raise ProtocolViolation(f"its {name} hold the unknown word {shown(unknown)}{nearest(unknown, known)}")
    return tuple(dict.fromkeys(words))


def _warnings(message: Mapping[str, Any]) -> tuple[str, ...]:
    return _list(message, "warnings") or ()

"""How a running target learns of an integration: over its admin API, or not at all but for its keys.

Both answer the messages `onboard`, `offboard`, `reset` and `purge` of the target protocol, for a target that has never
heard of it.
"""

from __future__ import annotations

import base64
import json
import re
import time
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

from msgspec import UNSET

from scenarios.targets.channel import ChannelGarbage
from scenarios.targets.http.connection import Address, Connection
from scenarios.targets.http.reading import ABSENT, find, holds, text_of
from scenarios.targets.protocol import REASONS, readable, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from scenarios.targets.http.settings import Admin, Call, Fixed
    from scenarios.targets.protocol import HttpAnswer

_WORD: Final = re.compile(r"\{(id|thumbprint|url)\}")
_VALUE: Final = re.compile(r"\{(integration|users|id|thumbprint)(?:\.([\w-]+))?\}")
_IN_FILE: Final = re.compile(r"\$\{(\w+)\}")


class Onboarding(Protocol):
    """What answers the messages about integrations."""

    def ask(self, message: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Answer one. Raises `ChannelFailure`."""

    def cannot_judge(self, token: bytes) -> str | None:
        """Return why a target that is configured so cannot judge a token as the integration asks; None if it can."""


class AdminOnboarding:
    """Integrations are set up by requests to an admin API at `url`."""

    def __init__(self, admin: Admin, url: str, ca_file: Path | None) -> None:
        self._admin = admin
        self._url = url
        self._address = Address.of(url, ca_file)

    def ask(self, message: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Answer one message. Raises `ChannelFailure`."""
        if message["cmd"] == "onboard":
            return self._onboard(message, timeout_s)
        calls = getattr(self._admin, message["cmd"])
        if not calls:
            return {"verdict": "unsupported", "capability": message["cmd"]}
        for call in calls:
            answer = self._call(call, message, timeout_s)
            # What is no longer there is offboarded: an integration that was refused was never there.
            gone = message["cmd"] == "offboard" and answer.status == 404
            if not gone and not holds(call.done, answer):
                raise _not_done(call, answer)
        return {"ok": True}

    def cannot_judge(self, token: bytes) -> str | None:
        """Return None: an integration is set up as it is."""
        del token
        return None

    def _onboard(self, message: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        admin = self._admin
        warnings: list[str] = []
        for call in admin.onboard:
            answer = self._call(call, message, timeout_s)
            if holds(call.done, answer):
                found = find(admin.warnings, answer) if admin.warnings else ABSENT
                warnings += [str(item) for item in found] if isinstance(found, list) else []
            elif admin.refused is not None and holds(admin.refused, answer):
                reason = find(admin.reason, answer) if admin.reason else ABSENT
                known = reason if isinstance(reason, str) and reason in REASONS else "other"
                return {"verdict": "refused", "reason": known, "detail": _said(answer)}
            elif admin.asked is not None and holds(admin.asked, answer):
                about = find(admin.about, answer) if admin.about else ABSENT
                return {"verdict": "asked", "about": str(about) if isinstance(about, str) else "?"}
            else:
                raise _not_done(call, answer)
        return {"verdict": "onboarded", "warnings": warnings}

    def _call(self, call: Call, message: Mapping[str, Any], timeout_s: float) -> HttpAnswer:
        words = {
            "id": quote(str(message.get("id") or message.get("integration", {}).get("id", "")), safe=""),
            "thumbprint": quote(str(message.get("thumbprint", "")), safe=""),
            "url": self._url,
        }
        path = _WORD.sub(lambda found: words[found[1]], call.path)
        lines = [f"{call.method} {path} HTTP/1.1", f"Host: {self._address.name}"]
        lines += [_WORD.sub(lambda found: words[found[1]], line) for line in call.headers]
        body = b"" if call.json is UNSET else json.dumps(_filled(call.json, message)).encode()
        if body:
            lines.append("Content-Type: application/json")
        lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
        deadline = time.monotonic() + timeout_s
        connection = Connection.to(self._address, deadline)
        try:
            return connection.exchange(
                "\r\n".join(lines).encode() + body,
                head_only=call.method == "HEAD",
                deadline=deadline,
                timeout_s=timeout_s,
            )
        finally:
            connection.close()


class FixedOnboarding:
    """The target was configured by hand; an integration that is another one than that cannot be set up.

    `renew` writes files and lets the target read its keys anew; `lead_to` is told the JWKS URL of now with its CA file,
    and returns the one that serves it: None where there is none, "" where it cannot be served unchanged. `tells` says
    whether its answers tell the value of a claim, so that whom it names is for the harness to find.
    """

    def __init__(
        self,
        fixed: Fixed,
        algorithms: tuple[str, ...],
        renew: Callable[[Mapping[str, str]], None],
        lead_to: Callable[[str, str | None], str | None],
        tells: Callable[[str], bool],
    ) -> None:
        self._fixed = fixed
        self._tells = tells
        self._algorithms = fixed.algorithms or list(algorithms)
        self._renew = renew
        self._lead_to = lead_to
        self._named = {word for text in fixed.files.values() for word in _IN_FILE.findall(text)}
        self._live: str | None = None
        self._wanted: frozenset[str] = frozenset()

    def name_files(self, texts: Mapping[str, str]) -> None:
        """Take the texts of the templates: what they name is not fixed."""
        self._named = {word for text in texts.values() for word in _IN_FILE.findall(text)}

    def ask(self, message: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Answer one message. Raises `ChannelFailure`."""
        del timeout_s  # the commands have their own
        if message["cmd"] == "onboard":
            return self._onboard(message["integration"])
        if message["cmd"] == "offboard" and message["id"] == self._live:
            self._live = None
        # What an operator has configured stays: its last keys serve on until the next ones come.
        if message["cmd"] in ("offboard", "purge"):
            return {"verdict": "unsupported", "capability": message["cmd"]}
        return {"ok": True}

    def cannot_judge(self, token: bytes) -> str | None:
        """Return why not: it was configured with the token's algorithm, and the integration does not list that."""
        algorithm = _algorithm_of(token)
        if "algorithms" in self._named or algorithm not in self._algorithms or algorithm in self._wanted:
            return None
        return f"an integration without {algorithm}, with which it was configured"

    def _onboard(self, record: Mapping[str, Any]) -> dict[str, Any]:
        if self._live not in (None, record["id"]):
            return {"verdict": "unsupported", "capability": "several_integrations"}
        if (why := self._cannot(record)) is not None:
            return {"verdict": "unsupported", "capability": why}
        uri = record.get("jwks_uri")
        served = self._lead_to(uri, record.get("ca_file")) if isinstance(uri, str) else None
        if served == "":
            return {"verdict": "unsupported", "capability": "a JWKS URL with another TLS than its own"}
        self._live, self._wanted = record["id"], frozenset(map(str, record.get("algorithms") or ()))
        self._renew(words_of(record, served))
        return {"verdict": "onboarded"}

    def _cannot(self, record: Mapping[str, Any]) -> str | None:
        """Return why the target's configuration does not fit a record, or None."""
        for name in ("issuer", "audience"):
            own = getattr(self._fixed, name)
            if name not in self._named and record.get(name) != own:
                return f"another {name} than {own}, with which it was configured: {shown(record.get(name))}"
        claim, own = record.get("custom_claim"), self._fixed.custom_claim
        if claim != own and "custom_claim" not in self._named and not self._tells(str(claim)):
            return f"the custom claim {shown(claim)}, where it was configured with {shown(own) if own else 'none'}"
        if (count := _keys_in(record)) > (self._fixed.max_keys or count):
            return f"{count} keys at once, where it takes {self._fixed.max_keys}"
        algorithms = record.get("algorithms") or []
        known = "algorithms" in self._named or not self._algorithms
        if not known and not set(algorithms) <= set(self._algorithms):
            return f"the algorithms {', '.join(map(str, algorithms))}"
        return None


def _algorithm_of(token: bytes) -> str | None:
    """Return the `alg` of a token's header, unverified; None where it has none that can be read."""
    head = token.partition(b".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + b"=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        return None
    found = header.get("alg") if isinstance(header, dict) else None
    return found if isinstance(found, str) else None


def _keys_in(record: Mapping[str, Any]) -> int:
    """Return how many keys a record hands over by value, in the form that has most."""
    jwks = record.get("jwks")
    listed = jwks.get("keys") if isinstance(jwks, dict) else None
    forms = (record.get("public_keys"), record.get("certificates"), listed)
    return max(len(keys) if isinstance(keys, list) else 0 for keys in forms)


def words_of(record: Mapping[str, Any], jwks_uri: str | None) -> dict[str, str]:
    """Return what may stand in a file of the target, of a record."""
    return {
        "jwks": json.dumps(record.get("jwks") or {"keys": []}),
        "jwks_uri": jwks_uri or str(record.get("jwks_uri") or ""),
        "public_keys": _pems_of(record, "public_keys"),
        "certificates": _pems_of(record, "certificates"),
        "issuer": str(record.get("issuer") or ""),
        "audience": str(record.get("audience") or ""),
        "algorithms": ",".join(map(str, record.get("algorithms") or ())),
        "custom_claim": str(record.get("custom_claim") or ""),
        "leeway_s": str(record.get("leeway_s") or 0),
        "ca_file": str(record.get("ca_file") or ""),
    }


def _pems_of(record: Mapping[str, Any], form: str) -> str:
    """Return the keys that a record hands over in a form, as one PEM file."""
    pems = [
        entry["pem"] if "pem" in entry else base64.b64decode(entry["pem_base64"]).decode("utf-8", "replace")
        for entry in record.get(form) or ()
    ]
    return "\n".join(pem.strip() for pem in pems) + "\n"


def filled_file(text: str, words: Mapping[str, str]) -> str:
    """Return the text of a file with `${word}` filled in; a word that nobody knows stays."""
    return _IN_FILE.sub(lambda found: words.get(found[1], found[0]), text)


def _filled(value: Any, message: Mapping[str, Any]) -> Any:
    """Return the JSON of a call with `{integration}` and its like as the values that they stand for."""
    match value:
        case str() if (found := _VALUE.fullmatch(value)) is not None:
            named = message.get(found[1])
            if found[1] == "id" and named is None:
                named = message.get("integration", {}).get("id")
            if found[2] is not None:
                named = named.get(found[2]) if isinstance(named, dict) else None
            return named
        case dict():
            return {name: _filled(item, message) for name, item in value.items()}
        case list():
            return [_filled(item, message) for item in value]
    return value


def _not_done(call: Call, answer: HttpAnswer) -> ChannelGarbage:
    return ChannelGarbage(
        f"its admin API answers {answer.status} to {call.method} {call.path}, which the target file gives no meaning:"
        f" {_said(answer)}",
        survives=True,
    )


def _said(answer: HttpAnswer) -> str:
    return readable(" ".join(text_of(answer).split()), 300) or "with no content"

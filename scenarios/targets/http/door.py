"""The door of an API: a credential in, a verdict out, by what the target's file says that its answers mean.

It changes nothing of what it is told to send, and reads no answer as a yes or a no that the file does not call so.
"""

from __future__ import annotations

import base64
import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from scenarios.targets.channel import ChannelCrash, ChannelFailure
from scenarios.targets.http.connection import Address, AnsweredTwice, Connection
from scenarios.targets.http.reading import ABSENT, claims_of, find, holds, in_words, text_of
from scenarios.targets.http.settings import Condition, Endpoint, Http, all_endpoints
from scenarios.targets.protocol import readable, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from scenarios.targets.protocol import HttpAnswer

MAX_TOGETHER: Final = 64
"""So many requests are under way at once."""
REFUSALS: Final = {400: "malformed", 413: "too_large", 414: "too_large", 431: "too_large"}
"""The statuses by which HTTP itself refuses a request that is malformed or too long: they always count as a no."""
_TOGETHER_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class _Sent:
    """One request as bytes, and until when it is to be answered."""

    raw: bytes
    head_only: bool
    deadline: float
    timeout_s: float

    def over(self, connection: Connection) -> HttpAnswer:
        return connection.exchange(
            self.raw, head_only=self.head_only, deadline=self.deadline, timeout_s=self.timeout_s
        )


class Door:
    """Asks one API. Usable by one thread, except for `ask_together`, which uses its own.

    `keeps` says whether one connection may serve many requests, which an API that has once answered twice may not:
    its late answer to one request would pass for that to the next.
    """

    def __init__(self, http: Http, url: str, folder: Path, *, keeps: bool = True) -> None:
        self._http = http
        self.keeps = keeps and http.connection == "keep-alive"
        self._endpoints = all_endpoints(http)
        ca_file = None if http.ca_file is None else folder / http.ca_file
        self._address = Address.of(url, ca_file)
        self._idle: Connection | None = None
        self._kept: Connection | None = None

    def close(self) -> None:
        """Close every connection."""
        self.forget()
        if self._idle is not None:
            self._idle.close()
            self._idle = None

    def forget(self) -> None:
        """Close the connection that a scenario has left open for itself."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def ask(self, message: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Answer an `authenticate` message. Raises `ChannelFailure`."""
        try:
            return self._ask(message, timeout_s, alone=True)
        except AnsweredTwice:
            self.keeps = False
            raise

    def look_back(self, *, last: bool = False) -> None:
        """Look whether more came than was asked for; for the `last` time, wait a moment. Raises `AnsweredTwice`."""
        for connection in (self._idle, self._kept):
            if connection is not None and connection.open:
                if last:
                    connection.drain()
                else:
                    connection.is_stale()

    def ask_together(
        self, messages: Sequence[Mapping[str, Any]], timeout_s: float
    ) -> list[dict[str, Any] | ChannelFailure]:
        """Answer several, each over a connection of its own, all at the same time."""
        gate = threading.Barrier(min(len(messages), MAX_TOGETHER))

        def ask(message: Mapping[str, Any]) -> dict[str, Any] | ChannelFailure:
            with contextlib.suppress(threading.BrokenBarrierError):  # the last ones come alone
                gate.wait(_TOGETHER_S)
            try:
                return self._ask(message, timeout_s, alone=False)
            except ChannelFailure as failure:
                return failure

        with ThreadPoolExecutor(MAX_TOGETHER, thread_name_prefix="http target") as pool:
            return list(pool.map(ask, messages))

    def _ask(self, message: Mapping[str, Any], timeout_s: float, *, alone: bool) -> dict[str, Any]:
        number = message.get("endpoint") or 1
        if number > len(self._endpoints):
            return {"verdict": "unsupported", "capability": "endpoints"}
        endpoint = self._endpoints[number - 1]
        token = credential_of(message)
        told = message.get("request")
        if told is None and (why := _cannot_travel(token)):
            return {"verdict": "unsupported", "capability": why}
        request = told if told is not None else _plain(self._http, endpoint, token)
        deadline = time.monotonic() + timeout_s
        keeps = (told is None and self.keeps and alone) or (
            told is not None and told.get("connection") == "kept"
        )
        method = request.get("method", endpoint.method)
        raw = _bytes_of(request, endpoint, self._address.name, keeps=keeps)
        sent = _Sent(raw, method.upper() == "HEAD", deadline, timeout_s)
        answer = self._exchange(sent, "_kept" if told else "_idle") if keeps else self._over_fresh(sent)
        return verdict_of(self._http, answer, whole=told is not None)

    def _over_fresh(self, sent: _Sent) -> HttpAnswer:
        connection = Connection.to(self._address, sent.deadline)
        try:
            return sent.over(connection)
        finally:
            connection.close()

    def _exchange(self, sent: _Sent, which: str) -> HttpAnswer:
        """Send a request over the connection that is left open under a name, or over a new one in its place."""
        connection: Connection | None = getattr(self, which)
        if connection is not None and connection.open and not connection.is_stale():
            try:
                return sent.over(connection)
            except ChannelCrash:
                pass  # RFC 9112 section 9.3.1: a server may close an idle connection at any time; it is sent again
        connection = Connection.to(self._address, sent.deadline)
        setattr(self, which, connection)
        return sent.over(connection)


def credential_of(message: Mapping[str, Any]) -> bytes:
    """Return the token of an `authenticate` message."""
    return message["token"].encode() if "token" in message else base64.b64decode(message["token_base64"])


def verdict_of(http: Http, answer: HttpAnswer, *, whole: bool = False) -> dict[str, Any]:
    """Return what an answer means by the target's file, as the protocol has it; `whole` shows the answer beside it."""
    said = {
        "status": answer.status,
        "headers": [list(header) for header in answer.headers],
        "body": answer.body,
    }
    more = {"http": said} if whole else {}
    if answer.status >= 500:
        return {"verdict": "unclear", "http": said, "detail": f"it answered {_status(answer)}"}
    if holds(http.accept, answer):
        found = _identity(http, answer)
        if isinstance(found, str):
            return {"verdict": "unclear", "http": said, "detail": found}
        return {"verdict": "accept", **found, **more}
    if holds(http.reject, answer):
        return {"verdict": "reject", "reason": "other", "detail": _status(answer), **more}
    if answer.status in REFUSALS:
        return {"verdict": "reject", "reason": REFUSALS[answer.status], "detail": _status(answer), **more}
    return {"verdict": "unclear", "http": said, "detail": _neither(http, answer)}


def _identity(http: Http, answer: HttpAnswer) -> dict[str, Any] | str:
    """Return user and claims of an answer, or what is missing."""
    found = dict[str, Any]()
    if http.user is not None:
        user = find(http.user, answer)
        if not isinstance(user, str):
            here = "nothing" if user is ABSENT else shown(user)
            return (
                f"it answered {_status(answer)}, which means accept, and {in_words(http.user)} holds {here}"
                f" where the user should stand: correct 'user', or 'accept' if this is no yes; {_content(answer)}"
            )
        found["user"] = user
    if http.claims is not None or http.claim:
        claims = claims_of(http.claims or http.claim, answer)
        if claims is None:
            return (
                f"it answered {_status(answer)}, which means accept, and no claims stand where 'claims' says:"
                f" correct it, or 'accept' if this is no yes; {_content(answer)}"
            )
        found["claims"] = claims
    for name in ("mapped_by", "fallback"):
        finder = getattr(http, name)
        value = ABSENT if finder is None else find(finder, answer)
        if value is not ABSENT and value is not None:
            found[name] = {"true": True, "false": False}.get(str(value).lower(), value)
    return found


def _content(answer: HttpAnswer) -> str:
    text = " ".join(text_of(answer).split())
    return f"its content is {readable(text, 200)}" if text else "it has no content"


def _neither(http: Http, answer: HttpAnswer) -> str:
    reject = http.reject
    means = _in_words(reject)
    if answer.status < 400 and not holds(Condition(status=("2xx",)), answer):
        said = f"this target answers {_status(answer)} where the profile says {means} means reject"
        return f"{said}: a redirect is neither yes nor no; ask the address that it leads to, or list it in 'reject'"
    added = ", ".join([*map(str, reject.status), str(answer.status)])
    return (
        f"this target answers {_status(answer)} where the profile says {means} means reject:"
        f" if {answer.status} is how it says no, write reject: {{status: [{added}]}} under http"
    )


def _cannot_travel(token: bytes) -> str | None:
    """Return why a header line cannot carry a credential as it is: HTTP would make another one of it."""
    if b"\r" in token or b"\n" in token:
        return "a line break inside a header line"
    if token != token.strip(b" \t"):
        return "white space around a token, which is none of a header's value (RFC 9110 section 5.5)"
    return None


def request_of(http: Http, endpoint: Endpoint, host: str, token: str) -> bytes:
    """Return the request that carries a token to an endpoint, over a connection that is kept."""
    return _bytes_of(_plain(http, endpoint, token.encode()), endpoint, host, keeps=True)


def _plain(http: Http, endpoint: Endpoint, token: bytes) -> dict[str, Any]:
    line = http.credential.replace("{token}", token.decode("latin-1"))
    return {"headers": [line], "method": endpoint.method, "target": endpoint.path}


def _bytes_of(request: Mapping[str, Any], endpoint: Endpoint, host: str, *, keeps: bool) -> bytes:
    """Return a request as it goes over the wire; what is told is not touched."""
    path = endpoint.path.partition("?")[0]
    target = request.get("target")
    target = (
        endpoint.path if target is None else target.replace("{path}", path).replace("{PATH}", path.upper())
    )
    body = request.get("body", endpoint.body)
    lines = [f"{request.get('method', endpoint.method)} {target} HTTP/1.1", f"Host: {host}"]
    lines += endpoint.headers
    lines += [line.replace("{path}", path) for line in request.get("headers", ())]
    if body is not None:
        lines.append(f"Content-Length: {len(body.encode('latin-1', 'replace'))}")
    lines.append(f"Connection: {'keep-alive' if keeps else 'close'}")
    return "\r\n".join([*lines, "", body or ""]).encode("latin-1", "replace")


def _status(answer: HttpAnswer) -> str:
    try:
        return f"{answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        return str(answer.status)


def _in_words(condition: Condition) -> str:
    parts = [" or ".join(map(str, condition.status))] if condition.status else []
    parts += [f"{name}: {pattern}" for name, pattern in condition.header.items()]
    parts += [f"{pointer} = {shown(value)}" for pointer, value in condition.json.items()]
    parts += [readable(condition.body, 60)] if condition.body else []
    return " and ".join(parts)

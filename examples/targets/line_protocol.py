"""The line protocol (docs/protocol.md) around one Python function: all that a target in Python needs of it.

It must never import Touchstone. It runs on Python 3.8 and later, because old releases of libraries need old Pythons.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any, Callable, Dict, Optional, Tuple, Type, Union  # noqa: UP035 - for Python 3.8

Message = Dict[str, Any]  # noqa: UP006 - for Python 3.8
Verify = Callable[[Union[str, bytes], Message, Optional[float]], Message]  # noqa: UP007, UP045 - as above
Rejects = Tuple[Type[BaseException], ...]  # noqa: UP006 - as above


class NotThis(Exception):  # noqa: N818 - it is a verdict and no error
    """What `verify` raises for a token whose claims are not those that its caller wants."""


def serve(name: str, version: str, verify: Verify, rejects: Rejects) -> None:
    """Answer each line of standard input until `stop`.

    `verify(token, integration, now)` returns the claims of a true token, and raises `NotThis` or one of `rejects` for
    any other. The token is text, or bytes when it is no valid UTF-8; `now` is in seconds since 1970, and None for a
    target that declares no clock. Anything else that it raises ends the process: a crash, as in a program of its own.
    """
    records: Message = {}
    out, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    for line in sys.stdin:
        request = json.loads(line)
        command = request["cmd"]
        answer: Message = {"ok": True}
        if command == "start":
            answer = {"ok": True, "name": name, "version": version, "language": "python"}
        elif command == "onboard":
            answer = _onboard(records, request["integration"])
        elif command == "authenticate":
            answer = _authenticate(records, request, verify, (NotThis, *rejects))
        elif command == "offboard":
            records.pop(request["id"], None)
        elif command == "reset":
            records.clear()
        out.write(json.dumps({"seq": request["seq"], **answer}) + "\n")
        out.flush()
        if command == "stop":
            break


def _onboard(records: Message, record: Message) -> Message:
    if records.keys() - {record["id"]}:
        return {"verdict": "unsupported", "capability": "several_integrations"}
    records[record["id"]] = record
    return {"verdict": "onboarded"}


def _authenticate(records: Message, request: Message, verify: Verify, rejects: Rejects) -> Message:
    if not records:
        return {"verdict": "reject", "reason": "issuer"}
    token = request["token"] if "token" in request else base64.b64decode(request["token_base64"])
    (record,) = records.values()
    try:
        claims = verify(token, record, request.get("now"))
    except rejects as error:
        return {"verdict": "reject", "detail": f"{type(error).__name__}: {error}"[:500]}
    named = ("iss", "sub", record.get("custom_claim"))
    return {"verdict": "accept", "claims": {name: claims[name] for name in named if name in claims}}

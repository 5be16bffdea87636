"""joserfc as its documentation uses it, behind the line protocol (docs/protocol.md): default use, not hardened.

A program of its own: one JSON object a line on standard input, one a line on standard output. It must never import
Touchstone, and answers no more of a token than the claims that name its user.
"""

import base64
import json
import sys
from importlib.metadata import version
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

Message = dict[str, Any]

integrations: dict[str, tuple[Message, KeySet]] = {}


def verify(token: str | bytes, integration: Message, keys: KeySet, now: int) -> dict[str, Any]:
    """Return the claims of a token that is true at `now` (seconds since 1970); raises `JoseError` for any other."""
    claims = jwt.decode(token, keys, algorithms=integration["algorithms"]).claims
    requests = jwt.JWTClaimsRegistry(
        now=now,
        leeway=integration["leeway_s"],
        iss={"essential": True, "value": integration["issuer"]},
        aud={"essential": True, "value": integration["audience"]},
    )
    requests.validate(claims)
    return claims


def authenticate(request: Message) -> Message:
    """Answer what the library says of the token."""
    if not integrations:
        return {"verdict": "reject", "reason": "issuer"}
    token = request["token"] if "token" in request else base64.b64decode(request["token_base64"])
    ((integration, keys),) = integrations.values()
    try:
        claims = verify(token, integration, keys, int(request["now"]))
    except JoseError as error:
        return {"verdict": "reject", "detail": str(error)[:500]}
    named = ("iss", "sub", integration.get("custom_claim"))
    return {"verdict": "accept", "claims": {name: claims[name] for name in named if name in claims}}


def onboard(request: Message) -> Message:
    """Remember the integration and its keys; a second one is more than this program does."""
    record = request["integration"]
    if integrations.keys() - {record["id"]}:
        return {"verdict": "unsupported", "capability": "several_integrations"}
    try:
        keys = KeySet.import_key_set(record["jwks"])
    except (JoseError, ValueError):
        keys = KeySet([])  # a set that the library refuses verifies nothing
    integrations[record["id"]] = (record, keys)
    return {"verdict": "onboarded"}


def answer(request: Message) -> Message:
    """Answer one request of the protocol."""
    match request["cmd"]:
        case "start":
            return {"ok": True, "name": "joserfc", "version": version("joserfc"), "language": "python"}
        case "onboard":
            return onboard(request)
        case "authenticate":
            return authenticate(request)
        case "offboard":
            integrations.pop(request["id"], None)
        case "reset":
            integrations.clear()
    return {"ok": True}


def main() -> None:
    """Answer each line until `stop`; what joserfc does not promise to raise ends the process."""
    for line in sys.stdin:
        request = json.loads(line)
        reply = json.dumps({"seq": request["seq"], **answer(request)})
        print(reply, flush=True)  # noqa: T201 - the protocol is spoken on standard output
        if request["cmd"] == "stop":
            break


if __name__ == "__main__":
    main()

"""An honest target of few words: accepts what says `good`, rejects the rest; remembers what is onboarded."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

START = {
    "ok": True,
    "name": "honest",
    "scope": "system",
    "keys": ["jwks"],
    "algorithms": ["RS256"],
    "capabilities": ["clock", "reset", "users", "reasons"],
}
known: dict[str, Any] = {}


def say(answer: dict[str, Any]) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def act(how: str, message: dict[str, Any]) -> bool:
    """Do what a token asks for, and return whether an honest answer follows."""
    match how:
        case "die":
            os.kill(os.getpid(), 11)
        case "exit":
            sys.exit(3)
        case "hang":
            time.sleep(60)
        case "wrong-seq":
            say({"seq": message["seq"] - 1, "verdict": "reject", "reason": "other"})
            return False
        case "maybe":
            say({"seq": message["seq"], "verdict": "maybe"})
            return False
        case "echo":
            echoed = {"now": message.get("now"), "known": list(known), "endpoint": message.get("endpoint")}
            say({"seq": message["seq"], "verdict": "accept", "user": json.dumps(echoed)})
            return False
    return True


def answer(message: dict[str, Any]) -> dict[str, Any]:
    """Return the honest answer."""
    match message["cmd"]:
        case "start":
            return START
        case "onboard":
            known[message["integration"]["id"]] = message["integration"]
            return {"verdict": "onboarded", "warnings": ["short key"]}
        case "offboard":
            known.pop(message["id"], None)
        case "reset":
            known.clear()
        case "authenticate" if message.get("token") == "good" and known:
            return {"verdict": "accept", "user": "ann"}
        case "authenticate":
            return {"verdict": "reject", "reason": "malformed", "detail": "not good"}
    return {"ok": True}


for line in sys.stdin:
    request = json.loads(line)
    if act(request.get("token", ""), request):
        say({"seq": request["seq"], **answer(request)})
    if request["cmd"] == "stop":
        break

"""Targets that are wrong in one way each: `python liar.py WAY`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Message = dict[str, Any]
WAYS: dict[str, Callable[[Message], None]] = {}


def way(act: Callable[[Message], None]) -> Callable[[Message], None]:
    """Register a way to answer `authenticate`, under its name."""
    WAYS[act.__name__] = act
    return act


def say(message: Message, **answer: object) -> None:
    """Answer a message."""
    raw(json.dumps({"seq": message["seq"], **answer}) + "\n")


def raw(text: str) -> None:
    """Write text to stdout at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


@way
def always_accepts(message: Message) -> None:
    say(message, verdict="accept", user="ann")


@way
def always_rejects(message: Message) -> None:
    say(message, verdict="reject", reason="other")


@way
def crashes_on_the_third(message: Message) -> None:
    times.append(1)
    if len(times) == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    say(message, verdict="reject", reason="malformed")


@way
def answers_start_only(_message: Message) -> None:
    time.sleep(60)


@way
def prints_rubbish(_message: Message) -> None:
    raw("hello world\n")


@way
def prints_rubbish_once(message: Message) -> None:
    marker = Path(sys.argv[2])
    if not marker.exists():
        marker.touch()
        raw("hello world\n")
    say(message, verdict="reject", reason="malformed")


@way
def answers_with_a_wrong_seq(message: Message) -> None:
    raw(json.dumps({"seq": message["seq"] + 1, "verdict": "reject", "reason": "other"}) + "\n")


@way
def answers_twice(message: Message) -> None:
    say(message, verdict="reject", reason="other")
    say(message, verdict="accept", user="ann")


@way
def answers_before_it_is_asked(message: Message) -> None:
    honest = {"seq": message["seq"], "verdict": "reject", "reason": "other"}
    early = {"seq": message["seq"] + 1, "verdict": "accept", "user": "ann"}
    raw(f"{json.dumps(honest)}\n{json.dumps(early)}\n")


@way
def writes_100_megabytes(_message: Message) -> None:
    chunk = "x" * (1 << 20)
    for _ in range(100):
        raw(chunk)
    raw("\n")


@way
def nests_deeply(message: Message) -> None:
    nested = "[" * 100_000 + "]" * 100_000
    raw(f'{{"seq": {message["seq"]}, "verdict": "accept", "user": "ann", "x": {nested}}}\n')


@way
def floods_stderr(message: Message) -> None:
    for _ in range(4):
        sys.stderr.write("e" * (1 << 20))
    sys.stderr.write("\nthe last word\n")
    sys.stderr.flush()
    say(message, verdict="reject", reason="other")


@way
def forks_and_exits(_message: Message) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path(sys.argv[2]).write_text(str(child.pid))
    os._exit(7)


@way
def closes_its_input(message: Message) -> None:
    os.close(0)
    say(message, verdict="reject", reason="other")
    time.sleep(60)


@way
def closes_its_output(_message: Message) -> None:
    os.close(1)
    time.sleep(60)


@way
def dies_between_messages(message: Message) -> None:
    say(message, verdict="reject", reason="other")
    os._exit(9)


@way
def ignores_sigterm(_message: Message) -> None:
    time.sleep(60)


@way
def speaks_half_a_line(_message: Message) -> None:
    raw('{"seq": ')
    os._exit(0)


@way
def exits_at_start(_message: Message) -> None:
    """Nobody asks it anything."""


@way
def never_answers(_message: Message) -> None:
    """Nobody asks it anything."""


@way
def prints_a_banner(message: Message) -> None:
    say(message, verdict="reject", reason="other")


@way
def does_not_read(_message: Message) -> None:
    """Nobody asks it anything."""


times: list[int] = []
name = sys.argv[1]
if name == "exits_at_start":
    sys.stderr.write("no licence\n")
    sys.exit(4)
if name == "prints_a_banner":
    raw("Listening on port 80\n")
if name == "ignores_sigterm":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if name == "never_answers":
    time.sleep(60)
for line in sys.stdin:
    request = json.loads(line)
    match request["cmd"]:
        case "start":
            say(request, ok=True, name=name, keys=["jwks"], capabilities=["users"])
            while name == "floods_stdout":
                raw("x" * 65536)
            if name == "does_not_read":
                time.sleep(60)
        case "onboard":
            say(request, verdict="onboarded")
        case "authenticate":
            WAYS[name](request)
        case _:
            say(request, ok=True)
            if request["cmd"] == "stop":
                break

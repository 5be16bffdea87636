"""What `docs/protocol.md` shows is what the code does: its messages are read, and its targets run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from scenarios.targets.protocol import (
    CAPABILITIES,
    REFUSE_REASONS,
    REJECT_REASONS,
    Declaration,
    authenticate_message,
    offboard_message,
    onboard_message,
    parse_answer,
    parse_start,
    purge_message,
    start_message,
)
from scenarios.targets.target_file import load_target, open_target

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENT = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")
LINES = [(line[0], json.loads(line[2:])) for line in DOCUMENT.splitlines() if line.startswith(("> {", "< {"))]


def block(language: str, number: int) -> str:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    return found[number]


def test_every_request_that_is_shown_is_what_the_harness_sends() -> None:
    made: dict[str, Callable[[Any], dict[str, Any]]] = {
        "start": lambda _shown: start_message(),
        "onboard": lambda shown: onboard_message(shown["integration"], shown["users"], ["jwks_uri", "jwks"]),
        "authenticate": lambda shown: authenticate_message(
            shown["token"],
            now=float(shown["now"]) if "now" in shown else None,
            request=shown.get("request"),
        ),
        "offboard": lambda shown: offboard_message(shown["id"]),
        "purge": lambda shown: purge_message(shown["id"], shown["thumbprint"]),
        "reset": lambda _shown: {"cmd": "reset"},
        "stop": lambda _shown: {"cmd": "stop"},
    }
    requests = [message for side, message in LINES if side == ">"]

    sent = [{"seq": message["seq"], **made[message["cmd"]](message)} for message in requests]

    assert sent == requests
    assert {message["cmd"] for message in requests} == set(made)


def test_every_answer_that_is_shown_is_understood() -> None:
    request: dict[str, Any] = {}
    kinds = set()
    for side, message in LINES:
        if side == ">":
            request = message
        elif request["cmd"] == "start":
            assert parse_start(message, request["seq"]).name == "PyJWT"
        else:
            kinds.add(parse_answer(message, request["cmd"], request["seq"], Declaration()).kind)

    assert kinds == {"onboarded", "refused", "asked", "unsupported", "accept", "reject", "done", "error"}


@pytest.mark.parametrize("words", [REJECT_REASONS, REFUSE_REASONS, CAPABILITIES])
def test_every_word_of_a_closed_list_is_in_a_table(words: dict[str, str]) -> None:
    for word, meaning in words.items():
        assert f"| `{word}` | {meaning.rstrip('.')}" in DOCUMENT


def test_the_target_that_accepts_nobody_runs(tmp_path: Path) -> None:
    (tmp_path / "nobody.py").write_text(block("python", 0), encoding="utf-8")
    (tmp_path / "target.yaml").write_text(block("yaml", 0), encoding="utf-8")

    with open_target(load_target(tmp_path / "target.yaml")) as session:
        onboarded = session.onboard({"id": "i-1", "jwks": {"keys": []}}, [])
        rejected = session.authenticate("eyJ")

    assert (onboarded.kind, rejected.reason) == ("onboarded", "no_user")
    assert session.health.last_exit == "exit status 0"


def test_the_target_in_python_runs(tmp_path: Path) -> None:
    (tmp_path / "verify.py").write_text(block("python", 1), encoding="utf-8")
    (tmp_path / "target.yaml").write_text(block("yaml", 1), encoding="utf-8")
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "a", "alg": "ES256"}
    record = {
        "id": "i-1",
        "issuer": "https://idp",
        "audience": "api",
        "algorithms": ["ES256"],
        "jwks": {"keys": [jwk]},
    }
    claims = {"iss": "https://idp", "aud": "api", "sub": "ann-sub"}

    def token(kid: str, **more: object) -> str:
        return jwt.encode({**claims, **more}, key, algorithm="ES256", headers={"kid": kid})

    with open_target(load_target(tmp_path / "target.yaml")) as session:
        session.onboard(record, [])
        accepted = session.authenticate(token("a"))
        reasons = [
            session.authenticate(wrong).reason
            for wrong in (token("a", exp=1), token("b"), token("a", aud="other"), "junk")
        ]

    assert accepted.claims == {"iss": "https://idp", "sub": "ann-sub"}
    assert reasons == ["expired", "unknown_key", "audience", "other"]

"""Rotation under load over HTTP: clients that fetch and mint while keys come and go.

`bench/rotations.py` does the same ten thousand times; here it is run small, and shown to find what it looks for.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from mock_idp import Issuer, KeyRing, MockIdP, Person, Request, fixed_key, persona
from mock_idp.serve import serve

if TYPE_CHECKING:
    from types import ModuleType

SCRIPT = Path(__file__).parents[2] / "bench" / "rotations.py"
ROTATIONS = 150
MANY = 10_000
KEYS = [{**fixed_key(name, "ES256").public_jwk(), "alg": "ES256"} for name in "abc"]


@pytest.fixture(scope="module")
def rotations() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rotations", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["rotations"] = module  # its dataclass looks its module up
    spec.loader.exec_module(module)
    return module


def jwks(*keys: Any) -> urllib3.HTTPResponse:
    return urllib3.HTTPResponse(json.dumps({"keys": keys}).encode(), status=200)


def test_no_set_is_torn_and_no_token_unverifiable_while_eight_clients_fetch_and_mint() -> None:
    """The old key stays published for one more rotation; a client's token has a key of the sets around it."""
    command = [sys.executable, str(SCRIPT), "--json", "--rotations", str(ROTATIONS), "--clients", "8"]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    figures = json.loads(done.stdout)
    assert (done.returncode, figures["violations"], done.stderr) == (0, 0, "")
    assert (figures["rotations"], figures["keys_published"]) == (ROTATIONS, ROTATIONS + 1)
    assert figures["tokens_verified"] >= 8


@pytest.mark.parametrize(
    "answers,says",
    [
        ([urllib3.HTTPResponse(b'{"keys": [', status=200)], "no JWKS"),
        ([urllib3.HTTPResponse(b"[]", status=200)], "no JWKS"),
        ([jwks()], "0 keys"),
        ([jwks(*KEYS)], "3 keys"),
        ([jwks(KEYS[0], KEYS[0])], "twice"),
        ([jwks(KEYS[0]), jwks({**KEYS[1], "kid": "a"})], "another key under a"),
    ],
)
def test_a_torn_set_is_found(rotations: ModuleType, answers: list[urllib3.HTTPResponse], says: str) -> None:
    tally = rotations.Tally()

    for answer in answers:
        rotations.torn(answer, tally)

    assert len(tally.violations) == 1
    assert says in tally.violations[0]


def test_a_token_of_another_key_or_of_one_never_published_is_found(rotations: ModuleType) -> None:
    issuer = Issuer(persona("generic"), KeyRing([fixed_key("a", "ES256")]))
    token = issuer.mint(Person.named("ann"))
    tally = rotations.Tally(unplaced=[token])

    rotations.settle(tally)

    assert rotations.verified(token, KEYS[0])
    assert not rotations.verified(token, {**KEYS[1], "kid": "a"})
    assert (tally.late, len(tally.violations)) == (0, 1)


def test_a_server_that_publishes_less_than_it_signs_with_is_found(rotations: ModuleType) -> None:
    idp = MockIdP()
    idp.admin = True
    idp.add_issuer("", Issuer(persona("generic"), KeyRing([fixed_key("a", "ES256")])))
    with serve(idp) as running:
        idp.set_fault("", "jwks", {"body": {"keys": [KEYS[0]]}})
        tally = rotations.run(running.url, 5, 1)

    assert any("is not published" in violation for violation in tally.violations)


def kid_of(token: str) -> str:
    header = token.partition(".")[0]
    found: str = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
    return found


def test_ten_thousand_rotations_in_process_while_eight_clients_fetch_and_mint() -> None:
    """The old key stays published for one more rotation; a client's token has a key of the sets around it."""
    ring = KeyRing([fixed_key("a", "ES256", kid="k0")])
    idp = MockIdP()
    idp.add_issuer("", Issuer(persona("generic"), ring))
    private = fixed_key("b", "ES256")
    torn: list[object] = []
    unknown: list[str] = []

    def number(kid: str) -> int:
        return int(kid.removeprefix("k"))

    def client() -> None:
        for _ in range(150):
            before = json.loads(idp.handle(Request("GET", "/jwks")).body)["keys"]
            token = idp.issuer("").mint(Person.named("ann"))
            after = json.loads(idp.handle(Request("GET", "/jwks")).body)["keys"]
            torn.extend(keys for keys in (before, after) if len(keys) not in {1, 2})
            first, last = number(before[0]["kid"]), number(after[-1]["kid"])
            if not first <= number(kid_of(token)) <= last:
                unknown.append(kid_of(token))

    clients = [Thread(target=client) for _ in range(8)]
    for thread in clients:
        thread.start()
    for count in range(1, MANY + 1):
        old = ring.active.kid
        ring.rotate(private.with_kid(f"k{count}"))
        ring.retire(old)
    for thread in clients:
        thread.join()

    assert (torn, unknown) == ([], [])
    assert ring.active.kid == f"k{MANY}"
    assert len(ring.snapshot.entries) < 300

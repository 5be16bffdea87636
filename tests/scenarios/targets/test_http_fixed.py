"""Targets that were configured for good: what does not fit their configuration, and keys that they have cached."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from scenarios.targets import near
from scenarios.targets.http.channel import HttpChannel, free_port
from scenarios.targets.http.settings import Http
from scenarios.targets.profile import Profile
from scenarios.targets.session import Session, Timeouts

if TYPE_CHECKING:
    from collections.abc import Iterator

LIARS = Path(__file__).parent / "liars"
PATIENT = Timeouts(start_s=30, answer_s=20)
RECORD = {"id": "i-1", "issuer": "https://idp.example.com", "audience": "api", "algorithms": ["RS256"]}


def token(kid: str, alg: str = "RS256") -> str:
    header = base64.urlsafe_b64encode(json.dumps({"alg": alg, "kid": kid}).encode())
    return f"{header.decode().rstrip('=')}.e30.c2ln"


class Idp:
    """Serves JWKS documents by path, and publishes them to adapters as a stage does."""

    def __init__(self) -> None:
        documents = self.documents = dict[str, bytes]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(documents[self.path])

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def record(self, name: str, *kids: str, of_fetching: bool = False) -> dict[str, Any]:
        """Serve keys at a URL of their own, and return the record of an integration that has them."""
        path = f"/{name}"
        self.documents[path] = json.dumps({"keys": [{"kid": kid} for kid in kids]}).encode()
        url = f"http://127.0.0.1:{self.server.server_port}{path}"
        if not of_fetching:
            near.publish(url, lambda: self.documents[path])
        return {**RECORD, "id": name, "jwks_uri": url}

    def close(self) -> None:
        for path in self.documents:
            near.withdraw(f"http://127.0.0.1:{self.server.server_port}{path}")
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def idp() -> Iterator[Idp]:
    made = Idp()
    yield made
    made.close()


@contextmanager
def session(folder: Path, *algorithms: str, **http: Any) -> Iterator[Session]:
    plain = {"endpoints": ["/"], "user": {"json": "/user"}, "connection": "fresh"}
    channel = HttpChannel(
        msgspec.convert({**plain, **http}, Http), folder=folder, algorithms=algorithms, start_s=30
    )
    with Session(channel, profile=Profile(scope="service", keys=("jwks_uri",)), timeouts=PATIENT) as made:
        yield made


def turn(asked: Session, record: dict[str, Any]) -> None:
    """Have one integration after the other, as scenarios do."""
    asked.reset()
    assert asked.onboard(record, []).kind == "onboarded"


def test_a_target_that_was_told_other_keys_is_started_anew_and_no_other_is(tmp_path: Path, idp: Idp) -> None:
    keys = free_port()
    words = ["python", str(LIARS / "caching_api.py"), "{port}", f"http://127.0.0.1:{keys}/jwks"]
    own = {"url": "http://127.0.0.1:{port}", "start": {"command": words}, "fixed": {"jwks": {"port": keys}}}
    with session(tmp_path, **own) as asked:
        turn(asked, idp.record("one", "a"))
        first = asked.authenticate(token("a"))
        turn(asked, idp.record("same", "a"))
        same = asked.authenticate(token("a"))
        turn(asked, idp.record("other", "b"))
        gone, other, _ = (asked.authenticate(token(kid)) for kid in "aba")
        turn(asked, idp.record("third", "b"))
        again = asked.authenticate(token("b"))
        turn(asked, idp.record("fetching", "b", of_fetching=True))
        cold = asked.authenticate(token("b"))

    assert first.kind == "accept"
    assert same.user == first.user
    assert (gone.kind, other.kind) == ("reject", "accept")
    assert other.user != first.user
    assert again.user not in (None, other.user)  # it had fetched twice: a limit may have been reached
    assert cold.user not in (None, again.user)
    assert asked.health.restarts == 0


def test_one_that_runs_already_is_not_judged_by_the_keys_of_an_earlier_scenario(
    tmp_path: Path, idp: Idp
) -> None:
    keys, port = free_port(), free_port()
    words = [
        sys.executable,
        str(LIARS / "caching_api.py"),
        str(port),
        f"http://127.0.0.1:{keys}/jwks",
    ]
    own = {"url": f"http://127.0.0.1:{port}", "fixed": {"jwks": {"port": keys}}}
    with subprocess.Popen(words) as api:
        try:
            with session(tmp_path, **own) as asked:
                turn(asked, idp.record("one", "a"))
                first = asked.authenticate(token("a"))
                turn(asked, idp.record("other", "b"))
                cached, fetched, gone = (asked.authenticate(token(kid)) for kid in "aba")
        finally:
            api.terminate()

    assert first.kind == "accept"
    assert (cached.kind, fetched.kind, gone.kind) == ("unsupported", "accept", "reject")
    assert "cached from an earlier scenario" in (cached.capability or "")
    assert "`start`" in (cached.capability or "")


HONEST = ["python", str(LIARS / "api.py"), "honest", "{port}"]
RUNS = {"url": "http://127.0.0.1:{port}", "start": {"command": HONEST}, "ready": {"path": "/health"}}


def test_an_algorithm_that_it_was_given_cannot_be_one_that_the_integration_does_not_list(
    tmp_path: Path,
) -> None:
    with session(tmp_path, "RS256", "ES256", **RUNS, fixed={}) as asked:
        turn(asked, RECORD)
        listed, unlisted, never = (asked.authenticate(token("a", alg)) for alg in ("RS256", "ES256", "none"))

    assert (listed.kind, unlisted.kind, never.kind) == ("reject", "unsupported", "reject")
    assert unlisted.capability == "an integration without ES256, with which it was configured"


@pytest.mark.parametrize(
    "own, told, claim, verdict",
    [
        ({}, {}, None, "onboarded"),
        ({}, {}, "email", "unsupported"),
        ({}, {"claim": {"email": {"json": "/email"}}}, "email", "onboarded"),
        ({}, {"claims": {"json": "/claims"}}, "email", "onboarded"),
        ({"custom_claim": "email"}, {}, "email", "onboarded"),
        ({"custom_claim": "email"}, {}, None, "unsupported"),
        ({"files": {"settings": "by ${custom_claim}"}}, {}, "email", "onboarded"),
    ],
)
def test_a_custom_claim_that_it_was_not_told_of_and_does_not_tell_is_not_asked_for(
    tmp_path: Path, own: dict[str, Any], told: dict[str, Any], claim: str | None, verdict: str
) -> None:
    with session(tmp_path, **RUNS, fixed=own, **told) as asked:
        answer = asked.onboard({**RECORD, "custom_claim": claim}, [])

    assert answer.kind == verdict
    if verdict == "unsupported":
        assert "the custom claim" in (answer.capability or "")


def test_more_keys_than_it_can_be_given_are_not_given(tmp_path: Path) -> None:
    keys = [{"kid": kid, "pem": "-"} for kid in "ab"]
    channel = HttpChannel(
        msgspec.convert(
            {**RUNS, "endpoints": ["/"], "user": {"json": "/user"}, "fixed": {"max_keys": 1}}, Http
        ),
        folder=tmp_path,
        start_s=30,
    )
    with Session(channel, profile=Profile(scope="service", keys=("public_keys",)), timeouts=PATIENT) as asked:
        one = asked.onboard({**RECORD, "public_keys": keys[:1]}, [])
        two = asked.onboard({**RECORD, "public_keys": keys}, [])

    assert (one.kind, two.kind) == ("onboarded", "unsupported")
    assert two.capability == "2 keys at once, where it takes 1"

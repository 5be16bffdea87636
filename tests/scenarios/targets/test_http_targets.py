"""Targets over HTTP: what goes over the wire, what its answers mean, and APIs that are wrong in every way."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from scenarios.targets.http.channel import HttpChannel
from scenarios.targets.http.settings import Http
from scenarios.targets.profile import Profile, TargetError
from scenarios.targets.session import Session, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

API = Path(__file__).parent / "liars" / "api.py"
PATIENT = Timeouts(start_s=20, answer_s=20)
RECORD = {"id": "i-1", "issuer": "https://idp.example.com", "audience": "api", "algorithms": ["RS256"]}
CAN = ("http", "concurrent")


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def settings(way: str, *more: str | Path, **changes: Any) -> Http:
    words = ["python", str(API), way, "{port}", *map(str, more)]
    plain = {
        "url": "http://127.0.0.1:{port}",
        "endpoints": ["/me"],
        "user": {"json": "/user"},
        "start": {"command": words},
        "ready": {"path": "/health"},
        "fixed": {},
    }
    return msgspec.convert({**plain, **changes}, Http)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    """Start an API of a way, onboarded; closed afterwards, and nothing may be left open."""
    sessions: list[Session] = []

    def start(way: str, *more: str | Path, timeouts: Timeouts = PATIENT, **changes: Any) -> Session:
        channel = HttpChannel(settings(way, *more, **changes), folder=tmp_path, start_s=timeouts.start_s)
        profile = Profile(scope="service", capabilities=CAN)
        sessions.append(Session(channel, profile=profile, timeouts=timeouts))
        sessions[-1].start()
        assert sessions[-1].onboard(RECORD, []).kind == "onboarded"
        return sessions[-1]

    yield start
    for session in sessions:
        session.close()
    gc.collect()


@pytest.mark.parametrize("way", ["honest", "chunked", "unframed", "continues"])
@pytest.mark.parametrize("connection", ["keep-alive", "fresh"])
def test_a_good_answer_is_read_however_it_is_framed(
    api: Callable[..., Session], way: str, connection: str
) -> None:
    session = api(way, connection=connection)

    verdicts = [session.authenticate(token) for token in ("good", "bad", "good")]

    assert [(one.kind, one.user) for one in verdicts] == [
        ("accept", "ann"),
        ("reject", None),
        ("accept", "ann"),
    ]


@pytest.mark.parametrize(
    "way, reason, detail",
    [
        ("twice", "protocol", "answers twice"),
        ("huge", "protocol", "larger than 1,048,576 bytes"),
        ("endless_head", "protocol", "the head of its answer is larger than"),
        ("many_headers", "protocol", "more than 200 header lines"),
        ("rubbish", "protocol", "its answer is no HTTP"),
        ("cut", "crash", "in the middle of its answer"),
        ("silent", "crash", "closed the connection without an answer"),
        ("fails", "crash", "it answered 500 Internal Server Error"),
        ("nameless", "unclear", "/user of its JSON holds nothing where the user should stand"),
    ],
)
def test_an_answer_that_is_none_is_an_error_and_never_a_rejection(
    api: Callable[..., Session], way: str, reason: str, detail: str
) -> None:
    verdict = api(way).authenticate("bad")

    assert (verdict.kind, verdict.reason) == ("error", reason)
    assert detail in verdict.detail


def test_an_answer_that_nobody_asked_for_never_passes_for_the_next(api: Callable[..., Session]) -> None:
    session = api("later", connection="fresh")

    verdicts = [session.authenticate(token) for token in ("bad", "bad", "bad")]

    assert [one.kind for one in verdicts] == ["reject"] * 3


LATE = {"headers": [], "target": "/late", "connection": "fresh"}
"""What lets the API that is late send what it still owes, and is answered when that has been sent."""


def belated(api: Callable[..., Session]) -> Session:
    """Return an API whose answer to a second request was that to the first, again, and whose true one came after."""
    session = api("belated")
    assert session.authenticate("good").kind == "accept"
    assert session.authenticate("bad").kind == "accept"  # nobody can tell yet
    assert session.authenticate("", request=LATE).kind == "accept"
    return session


def test_after_an_answer_that_came_late_each_request_has_a_connection_of_its_own(
    api: Callable[..., Session],
) -> None:
    session = belated(api)

    verdicts = [session.authenticate(token) for token in ("bad", "bad", "good", "bad")]

    assert [one.kind for one in verdicts] == ["error", "reject", "accept", "reject"]
    assert verdicts[0].reason == "protocol"
    assert verdicts[0].detail.startswith("it answers twice: after an answer came 'HTTP/1.1 401")
    assert session.health.protocol_errors == 1


@pytest.mark.parametrize("end", [Session.reset, Session.close])
def test_an_answer_that_comes_when_all_is_asked_is_counted_too(
    api: Callable[..., Session], end: Callable[[Session], object]
) -> None:
    session = belated(api)

    end(session)

    assert session.health.protocol_errors == 1


@pytest.mark.parametrize(
    "way, status, change",
    [
        ("forbids", 403, "if 403 is how it says no, write reject: {status: [401, 403]} under http"),
        ("redirects", 302, "a redirect is neither yes nor no"),
    ],
)
def test_a_status_that_the_profile_does_not_name_says_what_to_change(
    api: Callable[..., Session], way: str, status: int, change: str
) -> None:
    session = api(way)

    verdict = session.authenticate("bad")

    assert (verdict.kind, verdict.reason) == ("error", "unclear")
    assert f"this target answers {status}" in verdict.detail
    assert "where the profile says 401 means reject" in verdict.detail
    assert change in verdict.detail
    assert session.authenticate("good").user == "ann"


def test_what_the_profile_calls_a_no_is_one(api: Callable[..., Session]) -> None:
    assert api("forbids", reject={"status": [403]}).authenticate("bad").kind == "reject"


def test_a_slow_answer_is_a_time_out_and_the_target_is_started_anew(api: Callable[..., Session]) -> None:
    session = api("slow", timeouts=Timeouts(start_s=20, answer_s=0.3))

    first, second = session.authenticate("good"), session.authenticate("good")

    assert (first.reason, second.reason) == ("timeout", "timeout")
    assert session.health.restarts == 1


def test_a_target_that_dies_between_messages_is_a_crash_and_comes_back(api: Callable[..., Session]) -> None:
    session = api("dies", connection="fresh")
    kinds = set()
    while session.health.restarts == 0:
        kinds.add(session.authenticate("bad").kind)

    assert kinds <= {"reject", "error"}
    assert session.health.crashes >= 1
    assert (session.health.last_exit or "").startswith("exit status 7")
    assert session.onboard(RECORD, []).kind in ("onboarded", "error")


def test_what_a_target_forked_is_gone_with_it_also_a_daemon(
    api: Callable[..., Session], tmp_path: Path
) -> None:
    session = api("forks", tmp_path / "pids")
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    assert all(running(pid) for pid in pids)

    session.close()

    assert [pid for pid in pids if running(pid)] == []


def test_a_target_that_ignores_sigterm_is_killed(api: Callable[..., Session], tmp_path: Path) -> None:
    session = api("stubborn", tmp_path / "pid")
    pid = int((tmp_path / "pid").read_text())

    session.close()

    assert not running(pid)
    assert session.health.last_exit == "signal 9 (SIGKILL), ended by the harness"


def test_a_flood_on_stderr_is_kept_in_part_and_holds_nothing_up(api: Callable[..., Session]) -> None:
    session = api("floods")

    assert session.authenticate("good").user == "ann"
    session.close()

    assert session.health.stderr_tail.startswith(("noise", "oise", "ise", "se", "e", " "))
    assert len(session.health.stderr_tail) <= 64 << 10


@pytest.mark.parametrize(
    "way, kind, message",
    [
        ("breaks", "crash", "the process ended with exit status 3: no such setting"),
        ("never_ready", "timeout", "it was not ready within 1 s: nobody takes connections"),
    ],
)
def test_a_target_that_does_not_start_says_why(tmp_path: Path, way: str, kind: str, message: str) -> None:
    session = Session(HttpChannel(settings(way), folder=tmp_path, start_s=1.0 if kind == "timeout" else 20.0))

    with pytest.raises(TargetError) as caught:
        session.start()

    assert caught.value.kind == kind
    assert message in caught.value.message


def test_a_command_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    http = settings("honest", start={"command": ["no-such-gateway"]})

    with pytest.raises(TargetError, match="'no-such-gateway' was not found"):
        Session(HttpChannel(http, folder=tmp_path)).start()


def test_an_answer_that_comes_before_all_was_sent_is_read(api: Callable[..., Session]) -> None:
    verdict = api("early").authenticate("x" * 3_000_000)

    assert (verdict.kind, verdict.reason) == ("reject", "too_large")


def test_what_is_told_reaches_the_wire_byte_for_byte(api: Callable[..., Session], tmp_path: Path) -> None:
    session = api("records", tmp_path / "heads")
    request = {
        "method": "get",
        "target": "/{path}?q=\xff",
        "headers": ["authorization : bearer x\x00\x80", "Authorization: Bearer\r\n good"],
        "connection": "fresh",
    }

    verdict = session.authenticate("good", request=request)

    heads = (tmp_path / "heads").read_bytes()
    assert b"get //me?q=\xff HTTP/1.1\r\nHost: 127.0.0.1:" in heads
    assert b"\r\nauthorization : bearer x\x00\x80\r\nAuthorization: Bearer\r\n good\r\n" in heads
    assert verdict.http is not None
    assert (verdict.http.status, verdict.http.all("www-authenticate")) == (401, ("Bearer",))


@pytest.mark.parametrize("token", ["good\n", "go\r\nod", " good", "good\t"])
def test_a_token_that_a_header_line_cannot_carry_is_not_sent_as_another_one(
    api: Callable[..., Session], token: str
) -> None:
    assert api("honest").authenticate(token).kind == "unsupported"


def test_requests_at_the_same_time_are_each_answered_on_their_own(api: Callable[..., Session]) -> None:
    tokens = ["good", "bad"] * 40

    verdicts = api("honest").authenticate_together(tokens)

    assert [one.kind for one in verdicts] == ["accept", "reject"] * 40


def test_a_target_that_is_running_already_is_left_running(tmp_path: Path) -> None:
    port = str(free_port())
    api = subprocess.Popen([sys.executable, str(API), "honest", port])
    http = settings("honest", url=f"http://127.0.0.1:{port}", start=None)
    try:
        with Session(
            HttpChannel(http, folder=tmp_path, start_s=20), profile=Profile(capabilities=CAN)
        ) as session:
            assert session.onboard(RECORD, []).kind == "onboarded"
            assert session.authenticate("good").user == "ann"
        assert api.poll() is None
    finally:
        api.send_signal(signal.SIGKILL)
        api.wait()


def free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_a_stop_command_stops_what_its_start_command_left_running(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    detached = (
        "import subprocess, sys, pathlib;"
        "one = subprocess.Popen([sys.executable, *sys.argv[2:]], start_new_session=True,"
        " stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL);"
        "pathlib.Path(sys.argv[1]).write_text(str(one.pid))"
    )
    kill = (
        "import os, pathlib, signal, sys; os.kill(int(pathlib.Path(sys.argv[1]).read_text()), signal.SIGTERM)"
    )
    http = settings(
        "honest",
        start={"command": ["python", "-c", detached, str(pids), str(API), "honest", "{port}"]},
        stop={"command": ["python", "-c", kill, str(pids)]},
    )
    session = Session(HttpChannel(http, folder=tmp_path, start_s=20), profile=Profile(capabilities=CAN))
    session.start()
    session.onboard(RECORD, [])

    assert session.authenticate("good").user == "ann"
    session.close()

    assert not running(int(pids.read_text()))


def test_files_of_a_gateway_are_written_and_it_is_started_anew_for_each_integration(tmp_path: Path) -> None:
    copy = (
        "import pathlib, runpy, sys;"
        "pathlib.Path(sys.argv[4]).open('a').write(pathlib.Path(sys.argv[3]).read_text() + '\\n');"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    (tmp_path / "gateway.in").write_text("issuer ${issuer} on ${port} is ${unknown}")
    seen = tmp_path / "seen"
    http = settings(
        "honest",
        start={
            "command": [
                *("python", "-c", "import sys; sys.argv = sys.argv[1:]; " + copy, str(API)),
                *("honest", "{port}", "{folder}/etc/gateway.conf", str(seen)),
            ]
        },
        fixed={"files": {"etc/gateway.conf": "@gateway.in"}},
    )
    with Session(
        HttpChannel(http, folder=tmp_path, start_s=20), profile=Profile(capabilities=CAN)
    ) as session:
        for issuer in ("https://one.example", "https://two.example"):
            assert session.onboard({**RECORD, "issuer": issuer}, []).kind == "onboarded"
            assert session.authenticate("good").user == "ann"

    first, second = seen.read_text().splitlines()
    assert first.startswith("issuer https://one.example on ")
    assert second.startswith("issuer https://two.example on ")
    assert second.endswith("is ${unknown}")


@pytest.mark.parametrize(
    "changes, capability",
    [
        ({"issuer": "https://other.example"}, "another issuer than https://idp.example.com"),
        ({"audience": "other"}, "another audience than api"),
        ({"algorithms": ["ES256"]}, "the algorithms ES256"),
        ({"id": "i-2"}, "several_integrations"),
    ],
)
def test_a_configured_target_is_not_asked_for_another_configuration(
    api: Callable[..., Session], changes: dict[str, Any], capability: str
) -> None:
    session = api("honest", fixed={"algorithms": ["RS256"]})

    verdict = session.onboard({**RECORD, **changes}, [])

    assert verdict.kind == "unsupported"
    assert (verdict.capability or "").startswith(capability)

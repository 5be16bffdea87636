"""Sessions with real processes: an honest one, and liars of every kind."""

from __future__ import annotations

import gc
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scenarios.targets.json_lines import MAX_STDERR, JsonLines
from scenarios.targets.profile import Profile, TargetError
from scenarios.targets.session import Session, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIARS = Path(__file__).parent / "liars"
QUICK = Timeouts(start_s=10, answer_s=0.5)
PATIENT = Timeouts(start_s=10, answer_s=10)
RECORD = {
    "id": "i-1",
    "issuer": "https://idp.example",
    "jwks": {"keys": []},
    "jwks_uri": "http://127.0.0.1:1/",
}
USERS = [{"name": "ann", "external_id": "ann-sub", "active": True}]


def command(*words: str | Path) -> list[str]:
    return [sys.executable, str(LIARS / words[0]), *map(str, words[1:])]


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A killed process that nobody has reaped yet is no longer running.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.fixture
def liar() -> Iterator[Callable[..., Session]]:
    """Start a liar of a kind, onboarded once; closed afterwards, and nothing may be left open."""
    sessions: list[Session] = []

    def open_one(*words: str | Path, timeouts: Timeouts = PATIENT, restarts: int = 200) -> Session:
        channel = JsonLines(command("liar.py", *words))
        sessions.append(Session(channel, timeouts=timeouts, restarts=restarts))
        sessions[-1].start()
        assert sessions[-1].onboard(RECORD, USERS).kind == "onboarded"
        return sessions[-1]

    yield open_one
    for session in sessions:
        session.close()
    gc.collect()  # an open pipe or an unreaped process warns, and a warning fails the test


@pytest.fixture
def honest() -> Iterator[Session]:
    with Session(JsonLines(command("honest.py")), timeouts=PATIENT) as session:
        yield session
    gc.collect()


def test_an_honest_target_declares_itself_accepts_rejects_and_stops(honest: Session) -> None:
    declaration = honest.declaration
    onboarded = honest.onboard(RECORD, USERS)
    accepted, rejected = honest.authenticate("good"), honest.authenticate("bad")
    honest.close()

    assert (declaration.name, declaration.scope, declaration.keys) == ("honest", "system", ("jwks",))
    assert (onboarded.kind, onboarded.warnings) == ("onboarded", ("short key",))
    assert (accepted.kind, accepted.user) == ("accept", "ann")
    assert (rejected.kind, rejected.reason, rejected.detail) == ("reject", "malformed", "not good")
    assert (honest.health.answered, honest.health.crashes, honest.health.last_exit) == (2, 0, "exit status 0")


def test_a_target_with_a_clock_is_told_the_time_in_whole_seconds_where_it_is_whole(honest: Session) -> None:
    whole, half = honest.authenticate("echo", now=1767225600.0), honest.authenticate("echo", now=1767225600.5)

    assert '"now": 1767225600,' in (whole.user or "")
    assert '"now": 1767225600.5,' in (half.user or "")


def test_a_crash_is_an_error_and_the_integrations_come_back_without_being_asked_for(honest: Session) -> None:
    honest.onboard(RECORD, USERS)
    honest.onboard({**RECORD, "id": "i-2"}, USERS)
    honest.offboard("i-1")

    crashed, after = honest.authenticate("die"), honest.authenticate("echo")

    assert (crashed.kind, crashed.reason) == ("error", "crash")
    assert crashed.detail == "the process ended with signal 11 (SIGSEGV)"
    assert json.loads(after.user or "")["known"] == ["i-2"]
    assert (honest.health.crashes, honest.health.restarts) == (1, 1)
    assert honest.health.last_exit == "signal 11 (SIGSEGV)"


def test_after_a_reset_nothing_comes_back(honest: Session) -> None:
    honest.onboard(RECORD, USERS)

    reset, crashed, after = honest.reset(), honest.authenticate("exit"), honest.authenticate("echo")

    assert (reset.kind, crashed.detail) == ("done", "the process ended with exit status 3")
    assert json.loads(after.user or "")["known"] == []


def test_an_unknown_verdict_ends_the_process_and_is_an_error(honest: Session) -> None:
    verdict = honest.authenticate("maybe")

    assert (verdict.kind, verdict.reason) == ("error", "protocol")
    assert "'maybe' is no verdict of authenticate" in verdict.detail
    assert honest.authenticate("x").kind == "reject"
    assert honest.health.restarts == 1


def test_a_hang_costs_one_time_out_and_the_next_request_is_answered() -> None:
    with Session(JsonLines(command("honest.py")), timeouts=QUICK) as session:
        verdict = session.authenticate("hang")

        assert (verdict.kind, verdict.reason, verdict.detail) == (
            "error",
            "timeout",
            "no answer within 0.5 s",
        )
        assert session.authenticate("x").kind == "reject"


def test_a_second_endpoint_is_not_asked_of_a_target_without_one(honest: Session) -> None:
    verdict = honest.authenticate("good", endpoint=2)

    assert (verdict.kind, verdict.capability) == ("unsupported", "endpoints")


@pytest.mark.parametrize("name, kind", [("always_accepts", "accept"), ("always_rejects", "reject")])
def test_one_who_always_says_the_same_is_answered_for_and_not_an_error(
    liar: Callable[..., Session], name: str, kind: str
) -> None:
    session = liar(name)

    kinds = {session.authenticate(token).kind for token in ("a", "b", "c")}

    assert kinds == {kind}
    assert session.health.answered == 3


def test_one_that_crashes_on_the_third_request_errs_on_the_third_alone(liar: Callable[..., Session]) -> None:
    session = liar("crashes_on_the_third")

    kinds = [session.authenticate("x").kind for _ in range(6)]

    assert kinds == ["reject", "reject", "error", "reject", "reject", "error"]
    assert (session.health.crashes, session.health.restarts) == (2, 1)


def test_one_that_answers_start_only_is_given_up_after_three_time_outs(liar: Callable[..., Session]) -> None:
    session = liar("answers_start_only", timeouts=QUICK)

    verdicts = [session.authenticate("x") for _ in range(50)]

    assert {(verdict.kind, verdict.reason) for verdict in verdicts} == {("error", "timeout")}
    assert session.health.timeouts == 3
    assert "3 times in a row" in (session.abandoned or "")
    assert verdicts[-1].detail == session.abandoned


def test_onboarding_in_between_does_not_hide_time_outs_in_a_row(liar: Callable[..., Session]) -> None:
    session = liar("answers_start_only", timeouts=QUICK)

    for _ in range(3):
        session.onboard(RECORD, USERS)
        session.authenticate("x")

    assert session.abandoned is not None


def test_one_that_prints_rubbish_is_given_up_after_five_violations(liar: Callable[..., Session]) -> None:
    session = liar("prints_rubbish")

    verdicts = [session.authenticate("x") for _ in range(7)]

    assert verdicts[0].detail == "line 3 of its output is no JSON object: 'hello world'"
    assert {verdict.reason for verdict in verdicts} == {"protocol"}
    assert session.health.protocol_errors == 5
    assert session.abandoned is not None


def test_rubbish_among_good_lines_is_an_error_once(liar: Callable[..., Session], tmp_path: Path) -> None:
    session = liar("prints_rubbish_once", tmp_path / "marker")

    first, second = session.authenticate("x"), session.authenticate("x")

    assert (first.kind, first.reason) == ("error", "protocol")
    assert "is no JSON object: 'hello world'" in first.detail
    assert second.kind == "reject"
    assert session.abandoned is None


@pytest.mark.parametrize(
    "name, detail",
    [
        ("answers_with_a_wrong_seq", "its answer has the seq 4 where the request had 3"),
        ("writes_100_megabytes", "is longer than 1,048,576 bytes: 'xxx"),
        ("nests_deeply", "is nested deeper than 64 levels"),
    ],
)
def test_an_answer_that_is_none_is_a_protocol_error(
    liar: Callable[..., Session], name: str, detail: str
) -> None:
    verdict = liar(name).authenticate("x")

    assert (verdict.kind, verdict.reason) == ("error", "protocol")
    assert detail in verdict.detail


@pytest.mark.parametrize("name", ["answers_twice", "answers_before_it_is_asked"])
def test_a_line_too_many_never_passes_for_the_next_answer(liar: Callable[..., Session], name: str) -> None:
    session = liar(name)

    first, second, third = (session.authenticate("x") for _ in range(3))

    assert (first.kind, second.kind, third.kind) == ("reject", "error", "reject")
    assert second.reason == "protocol"


def test_a_flood_on_stderr_is_kept_in_part_and_not_judged(liar: Callable[..., Session]) -> None:
    session = liar("floods_stderr")

    kinds = [session.authenticate("x").kind for _ in range(2)]
    session.close()

    assert kinds == ["reject", "reject"]
    assert session.health.stderr_tail.endswith("the last word\n")
    assert len(session.health.stderr_tail) == MAX_STDERR


def test_a_child_left_behind_is_ended_and_its_parents_exit_is_a_crash(
    liar: Callable[..., Session], tmp_path: Path
) -> None:
    session = liar("forks_and_exits", tmp_path / "pid")

    verdict = session.authenticate("x")

    assert (verdict.reason, verdict.detail) == ("crash", "the process ended with exit status 7")
    assert not running(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    "name, detail",
    [
        ("closes_its_output", "it closed its output and did not end"),
        ("speaks_half_a_line", "the process ended with exit status 0"),
    ],
)
def test_a_closed_pipe_is_a_crash(liar: Callable[..., Session], name: str, detail: str) -> None:
    verdict = liar(name).authenticate("x")

    assert (verdict.reason, verdict.detail) == ("crash", detail)


def test_a_target_that_closes_its_input_cannot_be_asked_again(liar: Callable[..., Session]) -> None:
    session = liar("closes_its_input")

    first, second = session.authenticate("x"), session.authenticate("x")

    assert first.kind == "reject"
    assert (second.reason, second.detail) == ("crash", "it closed its input and did not end")


def test_a_death_between_messages_is_the_next_requests_crash(liar: Callable[..., Session]) -> None:
    session = liar("dies_between_messages")

    first, second = session.authenticate("x"), session.authenticate("x")

    assert first.kind == "reject"
    assert (second.kind, second.detail) == ("error", "the process ended with exit status 9")


def test_a_target_that_does_not_read_cannot_block_the_harness() -> None:
    with Session(JsonLines(command("liar.py", "does_not_read")), timeouts=QUICK) as session:
        verdict = session.authenticate("x" * 1_000_000)

    assert (verdict.reason, verdict.detail) == ("timeout", "it did not read its input within 0.5 s")


def test_a_flood_on_stdout_is_a_protocol_error_however_much_is_written_to_it() -> None:
    with Session(JsonLines(command("liar.py", "floods_stdout")), timeouts=PATIENT) as session:
        verdict = session.authenticate("x" * 1_000_000)

    assert (verdict.kind, verdict.reason) == ("error", "protocol")
    assert "is longer than 1,048,576 bytes" in verdict.detail


def test_an_interrupted_request_never_leaves_its_answer_to_the_next(
    honest: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest.onboard(RECORD, USERS)

    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("scenarios.targets.wire.decode", interrupt)
        with pytest.raises(KeyboardInterrupt):
            honest.authenticate("bad")

    assert honest.authenticate("good").user == "ann"
    assert honest.health.restarts == 1


def test_many_restarts_leave_no_descriptor_open() -> None:
    with Session(JsonLines(command("honest.py")), timeouts=PATIENT) as session:
        session.authenticate("exit")
        before = len(list(Path("/dev/fd").iterdir()))
        for _ in range(10):
            session.authenticate("exit")

        assert len(list(Path("/dev/fd").iterdir())) == before


def test_threads_may_share_a_session(honest: Session) -> None:
    honest.onboard(RECORD, USERS)

    with ThreadPoolExecutor(8) as pool:
        kinds = list(pool.map(lambda token: honest.authenticate(token).kind, ["good", "bad"] * 50))

    assert kinds == ["accept", "reject"] * 50


def test_one_that_ignores_sigterm_is_killed(liar: Callable[..., Session]) -> None:
    session = liar("ignores_sigterm", timeouts=QUICK)

    verdict = session.authenticate("x")

    assert verdict.reason == "timeout"
    assert session.health.last_exit == "signal 9 (SIGKILL), ended by the harness"


def test_the_restart_budget_ends_a_run_of_crashes() -> None:
    with Session(JsonLines(command("honest.py")), timeouts=PATIENT, restarts=2) as session:
        verdicts = [session.authenticate("exit") for _ in range(6)]

    assert session.health.restarts == 2
    assert session.health.crashes == 3
    assert "2 times, which is its budget" in verdicts[-1].detail
    assert {verdict.kind for verdict in verdicts} == {"error"}


@pytest.mark.parametrize(
    "words, kind, message",
    [
        (["liar.py", "exits_at_start"], "crash", "exit status 4; its last line on stderr is 'no licence'"),
        (["liar.py", "never_answers"], "timeout", "no answer within 0.5 s"),
        (
            ["liar.py", "prints_a_banner"],
            "protocol",
            "line 1 of its output is no JSON object: 'Listening on port 80'",
        ),
    ],
)
def test_a_target_that_does_not_start_says_why(words: list[str], kind: str, message: str) -> None:
    start_s = 0.5 if kind == "timeout" else 10
    session = Session(JsonLines(command(*words)), timeouts=Timeouts(start_s=start_s))

    with pytest.raises(TargetError) as caught:
        session.start()

    assert caught.value.kind == kind
    assert message in caught.value.message


def test_a_command_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("no program")
    wrong = {
        "no-such-command-here": "its command 'no-such-command-here' was not found",
        str(tmp_path / "plain.txt"): "cannot be executed",
    }

    for name, message in wrong.items():
        with pytest.raises(TargetError, match=message) as caught:
            Session(JsonLines([name])).start()
        assert caught.value.kind == "not_found"


def test_a_folder_that_is_not_there_is_said_to_be_the_reason(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"its folder '.*missing' does not exist"):
        Session(JsonLines(command("honest.py"), cwd=tmp_path / "missing")).start()


def test_a_profile_that_contradicts_the_target_keeps_it_from_starting() -> None:
    session = Session(JsonLines(command("honest.py")), profile=Profile(scope="service"))

    with pytest.raises(
        TargetError, match="the profile says scope: service, and the target says scope: system"
    ):
        session.start()


def test_a_session_that_was_closed_leaves_no_process(tmp_path: Path) -> None:
    code = "import os,sys; open(sys.argv[1],'w').write(str(os.getpid())); exec(open(sys.argv[2]).read())"
    argv = [sys.executable, "-c", code, str(tmp_path / "pid"), str(LIARS / "honest.py")]

    with Session(JsonLines(argv), timeouts=PATIENT):
        pid = int((tmp_path / "pid").read_text())
        assert running(pid)

    assert not running(pid)


def test_several_requests_may_be_written_before_the_first_is_answered() -> None:
    channel = JsonLines(command("honest.py"))
    channel.open()
    try:
        channel.ask({"seq": 1, "cmd": "start", "protocol": 1}, 10)
        asked = [{"seq": number, "cmd": "authenticate", "token": "x" * 30_000} for number in range(2, 60)]
        answers = channel.ask_together(asked, 10)
    finally:
        channel.close()

    assert [answer["seq"] for answer in answers if isinstance(answer, dict)] == [one["seq"] for one in asked]


def test_a_daemon_that_left_its_group_is_ended_too(tmp_path: Path) -> None:
    script = tmp_path / "daemon.py"
    script.write_text(
        "import json, pathlib, subprocess, sys\n"
        "one = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True,\n"
        "    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "pathlib.Path(sys.argv[1]).write_text(str(one.pid))\n"
        "for line in sys.stdin:\n"
        "    print(json.dumps({'seq': json.loads(line)['seq'], 'ok': True}), flush=True)\n"
    )
    session = Session(JsonLines([sys.executable, str(script), str(tmp_path / "pid")]), timeouts=PATIENT)
    session.start()
    pid = int((tmp_path / "pid").read_text())
    assert running(pid)

    session.close()

    assert not running(pid)

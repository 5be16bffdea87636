"""Target files: what they say, what is wrong in them, and what opening them gives."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from scenarios.files.problems import TableErrors
from scenarios.targets.profile import Profile, TargetError
from scenarios.targets.session import Session, Timeouts
from scenarios.targets.target_file import TargetSpec, load_target, open_target

LIARS = Path(__file__).parent / "liars"
RECORD = {"id": "i-1", "issuer": "https://idp.example", "jwks": {"keys": []}}

VERIFIER = """
    import json

    class BadTokenError(Exception): ...
    class LateError(BadTokenError): ...

    def verify(token, integration):
        if token == "late":
            raise LateError("too late")
        if token == "json":
            json.loads("{")
        if token == "bad":
            raise BadTokenError
        return {"iss": integration["issuer"], "sub": token}

    class Speaker:
        def start(self, message): return {"ok": True, "name": "speaker"}
        def onboard(self, message): return {"verdict": "onboarded"}
        def authenticate(self, message): return {"verdict": "accept", "user": type(self).__name__}
        def stop(self, message): return {"ok": True}

    speaker = Speaker()
    seven = 7
"""


def write(folder: Path, yaml: str, code: str = VERIFIER) -> Path:
    (folder / "my_verifier.py").write_text(textwrap.dedent(code), encoding="utf-8")
    path = folder / "target.yaml"
    path.write_text(textwrap.dedent(yaml), encoding="utf-8")
    return path


def opened(folder: Path, yaml: str, code: str = VERIFIER) -> Session:
    return open_target(load_target(write(folder, yaml, code)))


def test_a_file_says_all_that_a_session_needs(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        name: mine
        adapter: json-lines
        command: [python, target.py]
        env: {MODE: test}
        timeouts: {answer_s: 2.5}
        restarts: 7
        profile:
          scope: service
          keys: [jwks_uri, https_only]
          algorithms: [ES256]
          capabilities: [reset]
          knobs: {leeway_s: 30, multi_issuer: true, malformed_status: 401, max_lifetime_s: 200000, typ: [JWT]}
          checks: [iss, exp]
          notes: behind a gateway
        """,
    )

    spec = load_target(path)

    assert spec == TargetSpec(
        path=path,
        name="mine",
        adapter="json-lines",
        python="",
        rejects=(),
        reasons={},
        command=("python", "target.py"),
        env={"MODE": "test"},
        http=None,
        timeouts=Timeouts(start_s=10, answer_s=2.5),
        restarts=7,
        profile=Profile(
            scope="service",
            keys=("jwks_uri", "https_only"),
            algorithms=("ES256",),
            capabilities=("reset",),
            knobs={
                "leeway_s": 30,
                "multi_issuer": "true",
                "malformed_status": "401",
                "max_lifetime_s": 200_000,
                "typ": ["JWT"],
            },
            checks=("iss", "exp"),
            notes="behind a gateway",
            stated=frozenset({"scope", "keys", "algorithms", "capabilities"}),
        ),
    )


@pytest.mark.parametrize(
    "line, problem",
    [
        ("adaptor: x", "1:1: unknown field 'adaptor' (did you mean 'adapter'?)"),
        ("adapter: json-line", "1:1: 'json-line' is no adapter (did you mean 'json-lines'?)"),
        ("adapter: json-lines", "1:1: the adapter 'json-lines' needs 'command'"),
        (
            "{adapter: in-process, python: 'a.py:b', env: {A: b}}",
            "1:41: the adapter 'in-process' does not use 'env'",
        ),
        ("{adapter: in-process, python: verify}", "1:23: 'verify' is neither 'file.py:attribute' nor"),
        ("{adapter: in-process, python: 'a:b', reasons: {E: late}}", "'late' is no reason of the protocol"),
        ("{adapter: json-lines, command: run me}", "'command': expected a list"),
        (
            "{adapter: json-lines, command: [x], timeouts: {answer_s: 0}}",
            "'answer_s' is more than 0 and at most 600",
        ),
        ("{adapter: json-lines, command: [x], restarts: -1}", "'restarts' is from 0 to 10,000"),
        ("{adapter: json-lines, command: [x], profile: {scope: libary}}", "(did you mean 'library'?)"),
        ("{adapter: json-lines, command: [x], profile: {keys: [jkws]}}", "1:54: 'jkws' is no key form"),
        (
            "{adapter: json-lines, command: [x], profile: {keys: [https_only]}}",
            "'jwks_uri', which is not there",
        ),
        (
            "{adapter: json-lines, command: [x], profile: {checks: [azp]}}",
            "'azp' is no claim that a target checks",
        ),
        ("{adapter: json-lines, command: [x], profile: {capabilities: [clok]}}", "(did you mean 'clock'?)"),
        ("{adapter: json-lines, command: [x], profile: {knobs: {leway_s: 1}}}", "(did you mean 'leeway_s'?)"),
        (
            "{adapter: json-lines, command: [x], profile: {knobs: {leeway_s: 1.5}}}",
            "is a whole number of seconds",
        ),
        ("{adapter: json-lines, command: [x], profile: {knobs: {nokid: sngle}}}", "(did you mean 'single'?)"),
        ("{adapter: json-lines, command: [x], profile: {knobs: {typ: JWT}}}", "'typ' is a list of words"),
        ("adapter: ]", "this is not YAML"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_the_nearest_word(
    tmp_path: Path, line: str, problem: str
) -> None:
    path = write(tmp_path, line)

    with pytest.raises(TableErrors) as caught:
        load_target(path)

    assert problem in str(caught.value)
    assert str(caught.value).startswith(f"{path}:1:")


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, "{adapter: json-lines, profile: {scope: x, knobs: {a: 1, leeway_s: -1}}}")

    with pytest.raises(TableErrors) as caught:
        load_target(path)

    assert len(caught.value.problems) == 4


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="No such file"):
        load_target(tmp_path / "missing.yaml")


def test_a_value_below_its_floor_is_read_as_it_is_declared(tmp_path: Path) -> None:
    """It is no mistake of the file but a finding on the target, which a run names before it asks anything."""
    path = write(tmp_path, "{adapter: json-lines, command: [x], profile: {knobs: {leeway_s: 301}}}")

    assert load_target(path).profile.knobs == {"leeway_s": 301}


def test_what_only_a_library_may_do_is_no_value_for_a_service(tmp_path: Path) -> None:
    library = write(
        tmp_path, "{adapter: json-lines, command: [x], profile: {knobs: {max_token_bytes: none}}}"
    )

    assert load_target(library).profile.knobs == {"max_token_bytes": "none"}

    service = write(
        tmp_path,
        "{adapter: json-lines, command: [x], profile: {scope: service, knobs: {max_token_bytes: none}}}",
    )
    with pytest.raises(TableErrors, match="is a whole number of bytes"):
        load_target(service)


def test_a_function_of_a_file_is_a_target_with_its_own_rejections(tmp_path: Path) -> None:
    yaml = """
        adapter: in-process
        python: my_verifier.py:verify
        rejects: [BadTokenError, json.JSONDecodeError]
        reasons: {LateError: expired, json.JSONDecodeError: malformed}
    """

    with opened(tmp_path, yaml) as session:
        session.onboard(RECORD, [])
        verdicts = {token: session.authenticate(token) for token in ("ann", "late", "bad", "json")}

    assert verdicts["ann"].claims == {"iss": "https://idp.example", "sub": "ann"}
    assert (verdicts["late"].reason, verdicts["late"].detail) == ("expired", "too late")
    assert verdicts["bad"].reason == "other"
    assert verdicts["json"].reason == "malformed"
    assert session.declaration.name == "target"


@pytest.mark.parametrize(
    "field, where",
    [("rejects: [BadTokenError, verify]", "rejects"), ("reasons: {builtins.int: expired}", "reasons")],
)
def test_what_is_no_exception_class_is_named_at_its_place(tmp_path: Path, field: str, where: str) -> None:
    path = tmp_path / "target.yaml"
    (tmp_path / "mine.py").write_text(textwrap.dedent(VERIFIER))
    path.write_text(f"adapter: in-process\npython: mine.py:verify\n{field}\n")

    with pytest.raises(TargetError, match="is no exception class") as error:
        open_target(load_target(path))

    assert error.value.kind == "configuration"
    assert error.value.message.startswith(f"{path}:3:")
    assert f"under `{where}`" in error.value.message


def test_the_name_that_a_crash_gives_can_be_written_under_rejects(tmp_path: Path) -> None:
    yaml = "{adapter: in-process, python: 'my_verifier.py:verify', rejects: [%s]}"
    with opened(tmp_path, yaml % "") as session:
        session.onboard(RECORD, [])
        crash = session.authenticate("bad")
    name = crash.detail.split("name '")[1].split("'")[0]

    with opened(tmp_path, yaml % name) as session:
        session.onboard(RECORD, [])

        assert session.authenticate("bad").kind == "reject"


@pytest.mark.parametrize("attribute", ["Speaker", "speaker"])
def test_a_class_or_an_object_with_the_methods_speaks_messages(tmp_path: Path, attribute: str) -> None:
    with opened(tmp_path, f"{{adapter: in-process, python: 'my_verifier.py:{attribute}'}}") as session:
        session.onboard(RECORD, [])

        assert session.authenticate("x").user == "Speaker"


def test_a_module_beside_the_file_is_found_and_the_search_path_left_alone(tmp_path: Path) -> None:
    before = list(sys.path)

    with opened(tmp_path, "{adapter: in-process, python: 'my_verifier:verify'}") as session:
        session.onboard(RECORD, [])
        verdict = session.authenticate("ann")
    del sys.modules["my_verifier"]

    assert verdict.kind == "accept"
    assert sys.path == before


@pytest.mark.parametrize(
    "python, rejects, kind, message",
    [
        ("missing.py:verify", "", "not_found", "there is no file"),
        (
            "no_such_module_here:verify",
            "",
            "not_found",
            "the module 'no_such_module_here' cannot be imported",
        ),
        ("my_verifier.py:verfy", "", "not_found", "'verfy' is no name in it"),
        ("my_verifier.py:seven", "", "configuration", "neither callable nor an object"),
        (
            "my_verifier.py:verify",
            "Speaker",
            "configuration",
            "'Speaker' under `rejects` is no exception",
        ),
        (
            "my_verifier.py:verify",
            "jwt_missing.Error",
            "not_found",
            "the module 'jwt_missing' cannot be imported",
        ),
    ],
)
def test_code_that_is_not_there_is_a_target_error(
    tmp_path: Path, python: str, rejects: str, kind: str, message: str
) -> None:
    with pytest.raises(TargetError) as caught:
        opened(tmp_path, f"{{adapter: in-process, python: '{python}', rejects: [{rejects}]}}")

    assert caught.value.kind == kind
    assert message in caught.value.message


@pytest.mark.parametrize("code", ["1/0", "raise SystemExit(1)", "def x(:"])
def test_code_that_throws_while_it_loads_is_a_target_error(tmp_path: Path, code: str) -> None:
    with pytest.raises(TargetError, match=r"loading 'my_verifier\.py' raised") as caught:
        opened(tmp_path, "{adapter: in-process, python: 'my_verifier.py:verify'}", code)

    assert caught.value.kind == "crash"


def test_a_command_runs_beside_the_file_with_its_own_environment(tmp_path: Path) -> None:
    code = """
        import json, os, sys
        for line in sys.stdin:
            seq = json.loads(line)["seq"]
            print(json.dumps({"seq": seq, "ok": True, "name": os.environ["MODE"]}), flush=True)
    """

    yaml = "{adapter: json-lines, command: [python, my_verifier.py], env: {MODE: test}}"
    with opened(tmp_path, yaml, code) as session:
        assert session.declaration.name == "test"

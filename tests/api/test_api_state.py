"""The state of `touchstone api`: what was acknowledged survives, and processes that share it agree."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from mock_idp import SigningKey, certificate, certificate_pem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mock_idp.served import ServedIssuer
    from tests.api.conftest import Api

    Start = Callable[..., Api]

COMMAND = (sys.executable, "-m", "scenarios")
SOON_S = 20.0
"""A change counts within half a second; a machine under load gets longer, and the test waits no longer than needed."""


def eventually(check: Callable[[], bool]) -> bool:
    """Ask again until it is so, as a client would."""
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        if check():
            return True
    return check()


def certificate_record(number: int, pem: str) -> dict[str, Any]:
    return {
        "entity_id": f"urn:{number}",
        "issuer": f"https://{number}.example",
        "audience": "api",
        "certificates": [{"kid": "k", "pem": pem}],
    }


def kept(api: Api) -> dict[str, Any]:
    """Return all that an API says it keeps."""
    names = api.admin("GET", "integrations").json()["integrations"]
    return {
        name: (
            api.admin("GET", f"integrations/{name}").json(),
            api.admin("GET", f"integrations/{name}/users").json(),
        )
        for name in names
    }


def test_what_was_onboarded_is_there_after_a_restart(
    start: Start, tmp_path: Path, idp: ServedIssuer, user: Any
) -> None:
    state = str(tmp_path / "state.sqlite")
    first = start("--state", state)
    first.onboard(idp, "i", user("ann"), user("bob", active=False), user("cleo", api_access=False))
    before = kept(first)
    first.stop()

    second = start("--state", state)

    assert kept(second) == before
    assert second.whoami(idp.mint("ann"))["user"] == "ann"
    assert [second.whoami(idp.mint(name)) for name in ("bob", "cleo", "eve")] == [401, 403, 401]


def test_a_restart_while_the_idp_is_down_rejects_and_heals_by_itself(
    start: Start, tmp_path: Path, idp: ServedIssuer, user: Any
) -> None:
    state = str(tmp_path / "state.sqlite")
    first = start("--state", state)
    first.onboard(idp, "i", user("ann"))
    first.stop()
    token = idp.mint("ann")
    idp.set_fault({"status": 503}, times=1)

    second = start("--state", state)

    assert second.whoami(token) == 401
    assert eventually(lambda: second.whoami(token) != 401)


def test_no_sample_token_is_kept_shown_or_logged(
    start: Start, tmp_path: Path, idp: ServedIssuer, user: Any
) -> None:
    sample = idp.mint("ann")
    api = start("--state", str(tmp_path / "state.sqlite"))

    done = api.onboard(idp, "i", user("ann"), sample_token=sample, issuer=None, audience=None)
    shown = api.admin("GET", "integrations/i")
    refused = api.onboard(idp, "j", sample_token=sample, issuer="https://other.example")
    api.stop()

    secret = sample.rpartition(".")[2]
    assert (done.status, refused.json()["reason"]) == (200, "sample_mismatch")
    assert shown.json()["integration"]["issuer"] == idp.iss
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    said = [done.body, shown.body, refused.body, api.log.encode(), *files]
    assert not any(secret.encode() in text for text in said)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_acknowledged_is_lost_when_the_process_is_killed_in_the_middle(
    start: Start, tmp_path: Path, seed: int
) -> None:
    """Kill -9 while changes stream in: what was answered is there, and what was not is there whole or not at all."""
    state = str(tmp_path / "state.sqlite")
    pem = certificate_pem(certificate(SigningKey.generate("ES256", kid="k"))).decode()
    api = start("--state", state)
    chance = random.Random(seed)  # noqa: S311 - no secret
    killed_at = chance.randrange(5, 40)
    model: dict[int, Any] = {}
    asked: tuple[int, Any] | None = None
    for step in range(1000):
        number = chance.randrange(6)
        users = [
            {"name": f"u{index}", "external_id": f"{step}-{index}"}
            for index in range(chance.randrange(1, 40))
        ]
        asked = number, None if chance.random() < 0.2 and number in model else users
        if step == killed_at:
            # The kill meets the change anywhere between its first byte and its answer.
            with ThreadPoolExecutor(1) as pool:
                pending = pool.submit(change, api, asked, pem)
                time.sleep(chance.random() * 0.01)
                api.process.kill()
                acknowledged = pending.exception() is None
        else:
            change(api, asked, pem)
            acknowledged = True
        if acknowledged:
            model[asked[0]] = asked[1]
            asked = None
        if step == killed_at:
            break
    api.stop()

    found = users_kept(start("--state", state))

    expected = {name: users for name, users in model.items() if users is not None}
    also = dict(expected)
    if asked:
        also.pop(asked[0], None)
        if asked[1] is not None:
            also[asked[0]] = asked[1]
    assert found in (expected, also)


def change(api: Api, asked: tuple[int, Any], pem: str) -> None:
    number, users = asked
    if users is None:
        assert api.admin("DELETE", f"integrations/{number}").status == 200
        return
    document = {"integration": certificate_record(number, pem), "users": users}
    reply = api.admin("PUT", f"integrations/{number}", document)
    assert reply.status == 200, reply.body


def users_kept(api: Api) -> dict[int, Any]:
    found = {}
    for name, (_, document) in kept(api).items():
        users = [{key: one[key] for key in ("name", "external_id")} for one in document["users"]]
        found[int(name)] = sorted(users, key=lambda one: int(one["name"][1:]))
    return found


def test_a_torn_log_of_writes_costs_no_more_than_what_was_torn(
    start: Start, tmp_path: Path, idp: ServedIssuer
) -> None:
    state = tmp_path / "state.sqlite"
    api = start("--state", str(state))
    for name in ("a", "b", "c"):
        assert api.onboard(idp, name, audience=name).status == 200
    api.process.kill()
    api.stop()
    log = tmp_path / "state.sqlite-wal"
    log.write_bytes(log.read_bytes()[:-3000])  # as if the disk had not got the end of it

    again = start("--state", str(state))

    assert again.admin("GET", "integrations").json()["integrations"] == ["a", "b"]


def refuses(*arguments: str) -> str:
    """Return the one line that the command ends with, and check its status."""
    ran = subprocess.run(
        [*COMMAND, "api", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    *_, last = ran.stderr.splitlines()
    assert (ran.returncode, ran.stdout) == (2, ""), ran.stderr
    assert "Traceback" not in ran.stderr
    return last


def test_a_file_that_is_no_state_is_refused_in_one_line(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    start("--state", str(state)).stop()
    text, foreign, newer, torn = (tmp_path / name for name in ("text", "foreign", "newer", "torn"))
    text.write_text("no database, and longer than the head of one " * 100)
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()
    newer.write_bytes(state.read_bytes())
    with sqlite3.connect(newer) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    torn.write_bytes(state.read_bytes()[:4096] + b"\xff" * (len(state.read_bytes()) - 4096))

    assert "this is no state file" in refuses("--state", str(text))
    assert "another program's database" in refuses("--state", str(foreign))
    assert "a newer Touchstone" in refuses("--state", str(newer))
    assert "damaged" in refuses("--state", str(torn))
    assert "cannot be opened" in refuses("--state", str(tmp_path)) or "directory" in refuses(
        "--state", str(tmp_path)
    )
    assert "No such file" in refuses("--state", str(tmp_path / "no" / "folder"))
    assert text.read_text().startswith("no database")


def test_a_file_that_another_program_locks_is_refused_in_one_line(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    start("--state", str(state)).stop()
    other = sqlite3.connect(state, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    line = refuses("--state", str(state))

    other.close()
    assert "another process has locked it" in line


def test_a_state_that_cannot_be_written_refuses_the_change_and_keeps_the_old(
    start: Start, tmp_path: Path, idp: ServedIssuer, user: Any
) -> None:
    state = tmp_path / "state.sqlite"
    api = start("--state", str(state))
    api.onboard(idp, "i", user("ann"))
    other = sqlite3.connect(state, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    refused = api.admin("PUT", "integrations/i/users", {"users": []})
    other.close()

    assert (refused.status, refused.json()) == (503, {"error": "state_unavailable"})
    assert api.whoami(idp.mint("ann"))["user"] == "ann"
    assert api.admin("PUT", "integrations/i/users", {"users": []}).status == 200
    assert api.whoami(idp.mint("ann")) == 401


def test_two_processes_see_each_other_s_changes(
    start: Start, tmp_path: Path, idp: ServedIssuer, user: Any
) -> None:
    state = str(tmp_path / "state.sqlite")
    left, right = (start("--state", state) for _ in range(2))
    token = idp.mint("ann")

    left.onboard(idp, "i", user("ann"))
    assert eventually(lambda: right.whoami(token) != 401)

    right.admin("PATCH", "integrations/i/users", {"users": [user("ann", active=False)]})
    assert right.whoami(token) == 401
    assert eventually(lambda: left.whoami(token) == 401)

    left.admin("PATCH", "integrations/i/users", {"users": [user("ann")]})
    assert eventually(lambda: right.whoami(token) != 401)

    right.admin("POST", "integrations/i/deactivate")
    assert eventually(lambda: left.whoami(token) == 401)

    left.admin("POST", "integrations/i/activate")
    assert eventually(lambda: right.whoami(token) != 401)

    left.admin("DELETE", "integrations/i")
    assert left.whoami(token) == 401
    assert eventually(lambda: right.whoami(token) == 401)


def test_a_purged_key_is_out_in_every_process_and_after_a_restart_until_it_is_restored(
    start: Start, tmp_path: Path, idp: ServedIssuer, user: Any
) -> None:
    state = str(tmp_path / "state.sqlite")
    left, right = (start("--state", state) for _ in range(2))
    left.onboard(idp, "i", user("ann"))
    token = idp.mint("ann")
    assert eventually(lambda: right.whoami(token) != 401)
    unknown = left.admin("POST", "integrations/i/purge", {"kid": "nobody's"})
    unclear = left.admin("POST", "integrations/i/purge", {})

    purged = left.admin("POST", "integrations/i/purge", {"kid": idp.ring.active.kid}).json()["purged"]

    assert (unknown.status, unclear.status, len(purged)) == (400, 400, 1)
    assert left.whoami(token) == 401
    assert eventually(lambda: right.whoami(token) == 401)
    left.admin("DELETE", "integrations/i")
    left.onboard(idp, "i", user("ann"))
    right.stop()
    again = start("--state", state)
    assert (left.whoami(token), again.whoami(token)) == (401, 401)
    assert again.admin("GET", "integrations/i").json()["purged"] == purged
    assert again.admin("DELETE", f"integrations/i/purge/{purged[0]}").status == 200
    assert again.admin("DELETE", f"integrations/i/purge/{purged[0]}").status == 404
    assert again.whoami(token) != 401
    assert eventually(lambda: left.whoami(token) != 401)


def test_two_processes_refuse_what_belongs_to_an_integration_of_the_other(
    start: Start, tmp_path: Path, idp: ServedIssuer
) -> None:
    state = str(tmp_path / "state.sqlite")
    left, right = (start("--state", state) for _ in range(2))

    left.onboard(idp, "i")
    replies = [
        right.onboard(idp, "j", entity_id="urn:i", audience="other"),
        right.onboard(idp, "k", entity_id="urn:other"),
    ]

    assert [(reply.status, reply.json()["reason"]) for reply in replies] == [
        (422, "entity_id_taken"),
        (422, "issuer_taken"),
    ]


def test_users_that_two_processes_change_at_once_are_all_there(
    start: Start, tmp_path: Path, idp: ServedIssuer
) -> None:
    state = str(tmp_path / "state.sqlite")
    nodes = [start("--state", state) for _ in range(2)]
    nodes[0].onboard(idp, "i")

    def add(number: int) -> int:
        users = [{"name": f"u{number}", "external_id": f"e{number}"}]
        return nodes[number % 2].admin("PATCH", "integrations/i/users", {"users": users}).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(add, range(40)))

    names = {user["name"] for user in nodes[1].admin("GET", "integrations/i/users").json()["users"]}
    assert statuses == [200] * 40
    assert names == {f"u{number}" for number in range(40)}


def test_the_state_file_is_for_its_owner_alone(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    start("--state", str(state)).stop()

    assert state.stat().st_mode & 0o777 == 0o600

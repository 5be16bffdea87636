"""`touchstone export`: what it writes, what it refuses, and what it leaves alone."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.scenarios.cli.conftest import Touchstone

EXPORT = ("export", "out", "--only-catalog", "table.yaml")
TIMED = """\
group: demo/time
title: What needs a server and what does not
given: {users: {ann: ann-sub}}
scenarios:
  - {id: good, says: Ann comes in, rules: [FMT-001], expect: ann}
  - {id: fetched, says: Ann comes in, rules: [FMT-001], onboard: {keys: jwks_uri}, expect: ann}
  - {id: watched, says: Nobody asks, rules: [SIG-021], forge: {jku: '{canary}'}, canary: untouched, expect: reject,
     control: good}
  - id: later
    says: The clock alone moves
    rules: [CLM-001]
    steps:
      - authenticate: {as: one, expect: ann}
      - advance: 2h
      - authenticate: {token: one, expect: {reject: expired}}
  - id: gone
    says: An integration that was removed takes nothing
    rules: [ONB-045]
    steps:
      - authenticate: {as: one, expect: ann}
      - offboard: main
      - authenticate: {token: one, expect: {reject: any}}
"""


def names(touchstone: Touchstone) -> list[str]:
    folder = touchstone.folder / "out"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def index(touchstone: Touchstone) -> dict[str, object]:
    read = json.loads((touchstone.folder / "out" / "index.json").read_text(encoding="utf-8"))
    assert isinstance(read, dict)
    return read


def test_it_says_what_it_wrote_and_what_it_left_out(touchstone: Touchstone) -> None:
    touchstone.write("timed.yaml", TIMED)

    ended = touchstone(*EXPORT, "--catalog", "timed.yaml")

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("9 vectors in out (6 files, 0.")
    assert ended.out.splitlines()[1:] == [
        "2 scenarios left out:",
        "     1  it watches an address that must not be asked",
        "     1  the keys are fetched from the IdP's JWKS URL",
    ]
    assert names(touchstone) == [
        "SHA256SUMS", "index.json", "index.schema.json",
        "vectors.schema.json", "vectors/demo/ids.json", "vectors/demo/time.json",
    ]  # fmt: skip
    assert index(touchstone)["left_out"] == [
        {"reason": "it watches an address that must not be asked", "count": 1, "ids": ["demo/time/watched"]},
        {"reason": "the keys are fetched from the IdP's JWKS URL", "count": 1, "ids": ["demo/time/fetched"]},
    ]


def test_a_clock_that_moves_and_an_offboarding_are_steps(touchstone: Touchstone) -> None:
    touchstone.write("timed.yaml", TIMED)

    touchstone("export", "out", "--only-catalog", "timed.yaml")

    read = json.loads((touchstone.folder / "out" / "vectors" / "demo" / "time.json").read_text())
    later, gone = read["vectors"][-2:]
    assert [(step["do"], step["now"]) for step in later["steps"]] == [
        ("onboard", 1767225600),
        ("authenticate", 1767225600),
        ("authenticate", 1767232800),
    ]
    assert later["steps"][1]["token"] == later["steps"][2]["token"]
    assert gone["steps"][2] == {
        "do": "offboard",
        "now": 1767225600,
        "id": gone["steps"][0]["integration"]["id"],
    }


def test_a_selected_no_brings_its_control(touchstone: Touchstone) -> None:
    touchstone(*EXPORT, "--select", "demo/ids/late[ES256]")

    listed = index(touchstone)["vectors"]
    assert isinstance(listed, list)
    assert [entry["id"] for entry in listed] == ["demo/ids/good[ES256]", "demo/ids/late[ES256]"]


def test_the_index_can_go_to_stdout_alone(touchstone: Touchstone) -> None:
    ended = touchstone(*EXPORT, "--json", "-")

    assert json.loads(ended.out) == index(touchstone)


def test_a_folder_that_holds_something_is_refused_and_left_as_it_is(touchstone: Touchstone) -> None:
    (touchstone.folder / "out").mkdir()
    touchstone.write("out/mine.txt", "mine")

    ended = touchstone(*EXPORT)

    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "touchstone export: 'out' is not empty: name a new folder, or use --force\n"
    assert names(touchstone) == ["mine.txt"]


def test_force_replaces_an_earlier_export_and_nothing_else(touchstone: Touchstone) -> None:
    touchstone.write("timed.yaml", TIMED)
    touchstone(*EXPORT, "--catalog", "timed.yaml")
    touchstone.write("out/vectors/mine.json", "{}")
    sums = (touchstone.folder / "out" / "SHA256SUMS").read_text()
    touchstone.write("out/SHA256SUMS", f"{sums}0  ../target.py\n0  vectors/../../table.json\n0  mine.json\n")
    touchstone.write("table.json", "{}")
    touchstone.write("out/mine.json", "{}")

    ended = touchstone(*EXPORT, "--force")

    assert ended.status == 0
    assert names(touchstone) == [
        "SHA256SUMS", "index.json", "index.schema.json", "mine.json",
        "vectors.schema.json", "vectors/demo/ids.json", "vectors/mine.json",
    ]  # fmt: skip
    assert (touchstone.folder / "target.py").exists()
    assert (touchstone.folder / "table.json").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("export", "table.yaml"), "touchstone export: 'table.yaml' cannot be written: Not a directory"),
        (
            ("export", "no/such/out"),
            "touchstone export: 'no/such/out' cannot be written: its folder must exist and be writable",
        ),
        (
            (*EXPORT, "--select", "demo/ids/goof"),
            "touchstone export: no scenario is called 'demo/ids/goof'",
        ),
        (
            (*EXPORT, "--json", "no/such.json"),
            "touchstone export: 'no/such.json' cannot be written: its folder",
        ),
        (
            ("export", "out", "--only-catalog", "timed.yaml", "--select", "demo/time/fetched"),
            "touchstone export: no vector can be made of 1 scenario: the keys are fetched",
        ),
        (("export", "out", "--only-catalog", "none"), "none:1:1: cannot be read: No such file or directory"),
        (("export",), "touchstone export: Missing argument 'DIR'. (touchstone export --help)"),
    ],
)
def test_what_cannot_be_is_one_line_and_status_2(
    touchstone: Touchstone, arguments: tuple[str, ...], message: str
) -> None:
    touchstone.write("timed.yaml", TIMED)

    ended = touchstone(*arguments)

    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(message)
    assert ended.err.count("\n") == 1
    assert not (touchstone.folder / "out").exists()


def test_a_disk_that_takes_no_more_is_one_line_and_leaves_no_checksums(touchstone: Touchstone) -> None:
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run(
        [sys.executable, "-m", "scenarios", *EXPORT],
        cwd=touchstone.folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
        preexec_fn=small,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr.startswith("touchstone export: Could not open file 'out")
        or "File too large" in done.stderr
    )
    assert done.stderr.count("\n") == 1
    assert not (touchstone.folder / "out" / "SHA256SUMS").exists()

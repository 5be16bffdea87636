"""Replay published advisories: each library's vulnerable and fixed release, and what the scenarios say of both.

`nox -s advisories` runs it; `nox -s advisories -- CVE-2024-53861` only these. An advisory is reproduced when every
scenario that is named for it finds the vulnerable release and passes with the fixed one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
TARGETS = HERE.parent / "targets"
LOOPS = (TARGETS / "line_protocol.py", TARGETS / "node" / "line_protocol.cjs")
FLAGGED = frozenset({"fail", "warn", "error"})
LINK = "https://www.cve.org/CVERecord?id="


class MissingError(Exception):
    """Something that this machine does not have, or cannot install, in one sentence."""


@dataclass(frozen=True)
class Replayed:
    """What came of one advisory: for each release the outcome of each scenario, or why there is none."""

    entry: dict[str, Any]
    vulnerable: dict[str, str]
    fixed: dict[str, str]
    missing: str = ""

    @property
    def reproduced(self) -> bool:
        """Whether every named scenario finds the vulnerable release and passes with the fixed one."""
        return bool(self.vulnerable) and all(
            self.vulnerable.get(name) in FLAGGED and self.fixed.get(name) == "pass"
            for name in self.entry["scenarios"]
        )

    @property
    def word(self) -> str:
        """The verdict on the replay."""
        return "missing" if self.missing else "reproduced" if self.reproduced else "NOT REPRODUCED"


def replay(entry: dict[str, Any], targets: Path, folder: Path) -> Replayed:
    """Replay one advisory with a verifier of `targets`; environments below `folder` are kept for the next time."""
    try:
        before = _outcomes(entry, "vulnerable", targets, folder)
        after = _outcomes(entry, "fixed", targets, folder)
    except MissingError as missing:
        return Replayed(entry, {}, {}, str(missing))
    return Replayed(entry, before, after)


def _outcomes(entry: dict[str, Any], release: str, targets: Path, folder: Path) -> dict[str, str]:
    room = folder / f"{entry['id']}-{entry['package']}-{entry[release]}".replace("/", "-")
    command = _environment(entry, release, room)
    for file in (targets / entry["target"], *LOOPS):
        shutil.copy(file, room)
    if "compile" in entry:
        _run(["javac", "--release", "17", "-d", str(room), str(targets / entry["compile"])])
    env = {**entry.get("env", {}), **entry.get(f"env_{release}", {})}
    target = {
        "adapter": "json-lines",
        "command": [*command, entry["target"]],
        "env": {name: value.format(keys=_fixed_keys()) for name, value in env.items()},
        "timeouts": {"start_s": 30},
        "profile": {"scope": "library", "capabilities": ["reset"], **entry["profile"]},
    }
    (room / "target.yaml").write_text(yaml.safe_dump(target), encoding="utf-8")
    return _asked(room / "target.yaml", entry["scenarios"])


def _fixed_keys() -> Path:
    import mock_idp

    return Path(mock_idp.__file__).parent / "fixed_keys"


def _environment(entry: dict[str, Any], release: str, room: Path) -> list[str]:
    """Install the release below `room`, unless it is there, and return what starts a program in it."""
    done = room / "installed"
    if entry["ecosystem"] == "npm":
        wanted = [f"{entry['package']}@{entry[release]}", *entry.get("with", [])]
        install = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(room), *wanted]
        start = ["node"]
    else:
        wanted = [f"{entry['package']}=={entry[release]}", *entry.get("with", [])]
        python = str(room / "venv" / "bin" / "python")
        install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", *wanted]
        start = [python]
    if not (done.is_file() and done.read_text(encoding="utf-8") == " ".join(wanted)):
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir(parents=True)
        if entry["ecosystem"] == "pypi":
            venv.create(room / "venv", with_pip=False)
        _run(install)
        done.write_text(" ".join(wanted), encoding="utf-8")
    return start


def _run(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        raise MissingError(f"there is no {command[0]} here")
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - of the table
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"status {done.returncode}"]
        raise MissingError(f"{' '.join(Path(word).name for word in command[-2:])}: {said[-1]}")


def _asked(target: Path, scenarios: list[str]) -> dict[str, str]:
    """Ask the scenarios of a target; raises `MissingError` when nothing can be asked."""
    touchstone = Path(sys.executable).with_name("touchstone")
    chosen = [word for name in scenarios for word in ("--select", name)]
    command = [str(touchstone), "run", "--target", str(target), "--json", "-", *chosen]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - as above
    try:
        run = json.loads(done.stdout)
    except ValueError:
        raise MissingError(f"{target.parent.name}: {done.stderr.strip()[-300:]}") from None
    return {result["id"]: result["outcome"] for result in run["results"]}


def page(replayed: list[Replayed]) -> str:
    """Return docs/advisories.md."""
    good = sum(one.reproduced for one in replayed)
    lines = [*_ABOUT, "", f"{good} of {len(replayed)} reproduced.", "", *_HEADS]
    for one in replayed:
        entry = one.entry
        scenarios = ", ".join(f"`{name}`" for name in entry["scenarios"])
        lines.append(
            f"| [{entry['id']}]({LINK}{entry['id']}) | {entry['library']} | {entry['vulnerable']} | {entry['fixed']} "
            f"| {entry['shape']} | {entry['says']} | {scenarios} | {one.missing or one.word} |"
        )
    return "\n".join([*lines, "", *_LEFT_OUT])


_ABOUT = [
    "# Published advisories, replayed",
    "",
    "Written by `nox -s advisories`, which installs each library's vulnerable and fixed release into environments",
    "of their own, builds a verifier in the shape that the advisory is about (`examples/advisories/`), and asks",
    "the scenarios that are named for it. An advisory counts as reproduced when each of them finds the vulnerable",
    "release and passes with the fixed one. `touchstone show ID` explains a scenario.",
]
_HEADS = [
    "| advisory | library | vulnerable | fixed | in this use | what goes wrong: it | found by | |",
    "|---|---|---|---|---|---|---|---|",
]
_LEFT_OUT = [
    "Left out:",
    "",
    "- CVE-2023-6681, CVE-2024-28176 and CVE-2024-33664 are about verifiers that decrypt tokens with a key of their",
    "  own: the tokens of this system are signed and never encrypted.",
    "- CVE-2023-48223 (fast-jwt 3.3.1): the repair refuses each PEM of the form that could be confused, so no true",
    "  token is accepted there, and a rejection proves nothing.",
    "- CVE-2020-0601 (Windows) has no release that could be installed.",
    "",
]


def main() -> int:
    """Replay what the command line names, or everything; 1 when something is not reproduced or missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="CVE", help="only these advisories")
    parser.add_argument("--folder", type=Path, required=True, help="where environments are kept")
    parser.add_argument(
        "--page", type=Path, help="write docs/advisories.md here, when everything was replayed"
    )
    parser.add_argument(
        "--table", type=Path, default=HERE / "advisories.yaml", help="another table than this folder's"
    )
    options = parser.parse_args()
    entries = yaml.safe_load(options.table.read_text(encoding="utf-8"))
    targets = options.table.resolve().parent / "targets"
    if unknown := set(options.ids) - {entry["id"] for entry in entries}:
        parser.error(f"no advisory is called {', '.join(sorted(unknown))}")
    wanted = [entry for entry in entries if not options.ids or entry["id"] in options.ids]
    replayed = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for one in pool.map(lambda entry: replay(entry, targets, options.folder.resolve()), wanted):
            replayed.append(one)
            _say(one)
    if options.page is not None and not options.ids:
        options.page.write_text(page(replayed), encoding="utf-8")
    return 0 if all(one.reproduced for one in replayed) else 1


def _say(one: Replayed) -> None:
    entry = one.entry
    head = f"{entry['id']:15} {entry['library']} {entry['vulnerable']} -> {entry['fixed']}: {one.word}"
    print(head, one.missing, flush=True)  # noqa: T201 - a script that reports
    if not one.reproduced and not one.missing:
        for name in entry["scenarios"]:
            said = f"{one.vulnerable.get(name)} then {one.fixed.get(name)}"
            print(f"{'':15} {name}: {said}", flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    sys.exit(main())

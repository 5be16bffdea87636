"""The Dockerfile, as far as no engine is needed: what it copies builds, serves without a network, and stops."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
ALONE = """
import sys

def refuse(event, arguments):
    if event == "socket.connect" and arguments[1][0] not in ("127.0.0.1", "::1"):
        raise OSError(f"no network: {arguments[1]}")
    if event in ("socket.getaddrinfo", "socket.gethostbyname") and arguments[0] not in ("127.0.0.1", "0.0.0.0"):
        raise OSError(f"no name service: {arguments[0]}")

sys.addaudithook(refuse)
"""
"""A `sitecustomize` that takes the network away from a Python process, loopback excepted."""


class Step(NamedTuple):
    """One instruction of the Dockerfile."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The words of its exec form."""
        found: list[str] = json.loads(self.text[self.text.index("[") :])
        return found


def steps(name: str) -> list[Step]:
    """Return the instructions of a name, in their order."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    parted = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return [Step(word, rest.strip()) for word, _, rest in parted if word == name]


def copied() -> dict[str, str]:
    """Return what is copied from the project, and to where."""
    found: dict[str, str] = {}
    for step in steps("COPY"):
        if not step.text.startswith("--from"):
            *sources, target = step.text.split()
            found |= {name: target + (name if target.endswith("/") else "") for name in sources}
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build what the Dockerfile copies, and nothing else, in a clean folder."""
    folder = tmp_path_factory.mktemp("image")
    source = folder / "source"
    source.mkdir()
    for name, target in copied().items():
        assert target.startswith("/source/")
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / target[1:], ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / target[1:])
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Unpack the wheel, and return an environment in which Python finds it, and no network."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    folder.joinpath("sitecustomize.py").write_text(ALONE)
    return {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def health(port: str, env: dict[str, str]) -> int:
    """Run the command of HEALTHCHECK for another port, and return its exit status."""
    (step,) = steps("HEALTHCHECK")
    (listens,) = steps("EXPOSE")
    _, *arguments = (word.replace(f":{listens.text}/", f":{port}/") for word in step.words)
    return subprocess.run(
        [sys.executable, *arguments], env=env, capture_output=True, check=False, timeout=60
    ).returncode


def test_everything_that_is_copied_is_there_and_reaches_the_engine() -> None:
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert all((ROOT / name).exists() for name in copied())
    assert {line[1:] for line in allowed if line.startswith("!")} == set(copied())


def test_what_the_build_reads_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"], *packages}

    assert needed == set(copied())


def test_the_image_is_built_of_every_file_of_the_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = {name for name in packed.namelist() if ".dist-info/" not in name}

    files = (path for name in ("mock_idp", "verifier", "scenarios") for path in (ROOT / name).rglob("*"))
    written = {
        path.relative_to(ROOT).as_posix() for path in files if path.is_file() and path.suffix != ".pyc"
    }
    assert names == written


def test_the_command_serves_without_a_network_is_healthy_and_stops_cleanly(
    installed: dict[str, str], tmp_path: Path
) -> None:
    (entry,) = steps("ENTRYPOINT")
    (stop,) = steps("STOPSIGNAL")
    (listens,) = steps("EXPOSE")
    program, *arguments = entry.words
    assert (program, arguments.count(listens.text)) == ("touchstone", 1)
    arguments[arguments.index(listens.text)] = "0"

    command = [sys.executable, "-m", "scenarios", *arguments]
    with subprocess.Popen(
        command, cwd=tmp_path, env=installed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            ready = server.stdout.readline()
            found = re.fullmatch(r"touchstone idp: ready at http://localhost:(\d+)\n", ready)
            assert found, server.communicate()[1]
            healthy = health(found[1], installed)
            server.send_signal(signal.Signals[stop.text])
            _, errors = server.communicate(timeout=60)
        finally:
            server.kill()

    assert healthy == 0
    assert (server.returncode, errors) == (0, "")
    assert health(found[1], installed) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_environment_of_these_tests_has_no_network(installed: dict[str, str]) -> None:
    ask = "import socket; socket.create_connection(('192.0.2.1', 80), 5)"

    ran = subprocess.run(
        [sys.executable, "-c", ask], env=installed, capture_output=True, text=True, check=False
    )

    assert ran.stderr.endswith("OSError: no name service: 192.0.2.1\n")

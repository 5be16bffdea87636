"""What must be in the installed package besides code."""

from __future__ import annotations

import os
from importlib import metadata, resources
from pathlib import Path

import pytest

import mock_idp
import scenarios
import verifier

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("package", ["mock_idp", "verifier", "scenarios"])
def test_every_package_says_that_it_is_typed(package: str) -> None:
    assert (resources.files(package) / "py.typed").is_file()


def test_the_catalogue_is_in_the_package_whole() -> None:
    shipped = {
        path.relative_to(Path(str(resources.files("scenarios")))).as_posix()
        for path in Path(str(resources.files("scenarios"))).rglob("*.yaml")
    }
    written = {
        path.relative_to(ROOT / "scenarios").as_posix() for path in (ROOT / "scenarios").rglob("*.yaml")
    }

    assert shipped == written
    assert len([name for name in shipped if name.startswith("catalog/")]) > 10


def test_the_test_keys_are_in_the_package_whole() -> None:
    shipped = {path.name for path in Path(str(resources.files("mock_idp"))).rglob("*.pem")}
    written = {path.name for path in (ROOT / "mock_idp").rglob("*.pem")}

    assert shipped == written
    assert "attacker.pem" in shipped


def test_the_command_and_the_plugin_are_entry_points() -> None:
    points = {
        (point.group, point.name): point.value
        for point in metadata.distribution("oidc-touchstone").entry_points
    }

    assert points["console_scripts", "touchstone"] == "scenarios.cli:main"
    assert points["pytest11", "touchstone"] == "scenarios.pytest_plugin"


def test_the_tests_run_against_what_is_installed_where_the_session_says_so() -> None:
    """In `nox -s tests` the packages must come from the built wheel, never from the source tree."""
    if "TOUCHSTONE_INSTALLED" in os.environ:
        for package in (mock_idp, verifier, scenarios):
            assert package.__file__ is not None
            assert Path(package.__file__).parents[1] != ROOT

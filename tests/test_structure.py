"""The direction of the imports: what may know what (docs/architecture.md)."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("mock_idp", "verifier", "scenarios")

MAY_NOT = {
    "mock_idp": {"verifier", "scenarios", "jwt"},
    "verifier": {"mock_idp", "scenarios"},
    "scenarios/tables": {
        "scenarios.run",
        "scenarios.judge",
        "scenarios.stage",
        "scenarios.reports",
        "scenarios.cli",
    },
    "scenarios/stage": {
        "scenarios.judge",
        "scenarios.results",
        "scenarios.reports",
        "scenarios.cli",
        "verifier",
    },
    "scenarios/targets": {
        "scenarios.run",
        "scenarios.judge",
        "scenarios.stage",
        "scenarios.reports",
        "scenarios.cli",
    },
    "scenarios/reports": {"scenarios.run", "scenarios.judge", "scenarios.stage", "scenarios.cli"},
}
"""What the modules of a folder never import, at the top or inside a function."""

SLOW = {"pytest", "faker", "werkzeug", "uvicorn", "pytest_httpserver", "rich"}
"""What no package of the two may import before it is needed."""


def imports(path: Path) -> set[str]:
    """Return the names of all modules that a file imports, with each of their parents."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {".".join(name.split(".")[: end + 1]) for name in names for end in range(name.count(".") + 1)}


@pytest.mark.parametrize("folder", MAY_NOT)
def test_a_package_imports_nothing_from_above_it(folder: str) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    if (
        folder == "scenarios/targets"
    ):  # the reference verifier as a target lives there, and nothing else of it
        files = [file for file in files if file.name != "reference.py"]

    found = {str(file.relative_to(ROOT)): imports(file) & MAY_NOT[folder] for file in files}

    assert files
    assert {file: names for file, names in found.items() if names} == {}


@pytest.mark.parametrize("package", ["mock_idp", "verifier"])
def test_importing_a_package_imports_no_server_no_test_framework_and_no_faker(package: str) -> None:
    code = f"import sys, {package}; print(*sorted({SLOW!r} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    ]

    assert silent == []

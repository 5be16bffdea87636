"""The packages keep their distance: who may import whom, read from the source of every module."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("mock_idp", "verifier", "scenarios")

FORBIDDEN = {
    "mock_idp": {"verifier", "scenarios", "jwt", "tests"},
    "verifier": {"mock_idp", "scenarios", "tests"},
    "scenarios": {"tests"},
}
"""What no module of a package imports anywhere: no bug can be shared that is not shared code."""
HEAVY = {"pytest", "uvicorn", "faker", "werkzeug", "pytest_httpserver"}
"""What `mock_idp` and `verifier` import only where it is used: a plain import of them stays quick."""


def modules(package: str) -> list[Path]:
    return sorted((REPOSITORY / package).rglob("*.py"))


def imported(nodes: list[ast.stmt] | ast.AST) -> Iterator[str]:
    """Yield the first word of every module that is imported in some code."""
    trees = nodes if isinstance(nodes, list) else [nodes]
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def top_level(tree: ast.Module) -> list[ast.stmt]:
    """Return the statements that run when a module is imported; what is only for type checkers does not."""

    def is_typing(node: ast.stmt) -> bool:
        return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)

    return [
        node
        for node in tree.body
        if not is_typing(node) and not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_what_its_package_must_not_know(package: str) -> None:
    found = {
        str(path.relative_to(REPOSITORY)): names
        for path in modules(package)
        if (names := FORBIDDEN[package] & set(imported(ast.parse(path.read_text(encoding="utf-8")))))
    }

    assert modules(package)
    assert found == {}


@pytest.mark.parametrize("package", ["mock_idp", "verifier"])
def test_importing_a_package_imports_no_server_and_no_test_tool(package: str) -> None:
    found = {
        str(path.relative_to(REPOSITORY)): names
        for path in modules(package)
        if (names := HEAVY & set(imported(top_level(ast.parse(path.read_text(encoding="utf-8"))))))
    }

    assert found == {}


@pytest.mark.parametrize("path", modules("scenarios/cli"), ids=lambda path: path.stem)
def test_the_command_imports_at_its_start_only_what_help_needs(path: Path) -> None:
    names = set(imported(top_level(ast.parse(path.read_text(encoding="utf-8")))))

    assert names - sys.stdlib_module_names <= {"click", "scenarios"}


LAYERS = {
    "scenarios/files": ("tables", "targets", "stage", "reports", "cli", "run", "judge", "rulebook"),
    "scenarios/targets": ("tables", "stage", "reports", "cli", "run", "judge"),
    "scenarios/tables": ("stage", "reports", "cli", "run", "judge", "results"),
    "scenarios/stage": ("reports", "cli", "run", "judge", "results"),
    "scenarios/reports": ("stage", "cli", "run", "judge"),
}
"""What lies above a folder of `scenarios`, and is not imported by it."""


@pytest.mark.parametrize("folder", LAYERS)
def test_no_folder_of_scenarios_imports_what_lies_above_it(folder: str) -> None:
    above = {f"scenarios.{name}" for name in LAYERS[folder]}

    found = {
        f"{path.name}: {node.module}"
        for path in (REPOSITORY / folder).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
        if ".".join(node.module.split(".")[:2]) in above
    }

    assert found == set()

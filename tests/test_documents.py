"""The code that the documents show runs, and does what they say."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from scenarios.cli import COMMANDS
from scenarios.tables.load import load_table

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WRITING = (ROOT / "docs" / "writing-scenarios.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_readme_s_pytest_example_runs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("\n".join(blocks(README, "python")))

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q", "-k", "issuer or rotation")

    outcomes = result.parseoutcomes()
    assert outcomes["passed"] > 40
    assert "failed" not in outcomes
    assert "errors" not in outcomes


def test_the_readme_s_target_file_runs(tmp_path: Path) -> None:
    verifier = blocks(README, "python")[0].partition("@pytest.mark")[0]
    (tmp_path / "my_verifier.py").write_text(verifier)
    (tmp_path / "target.yaml").write_text(blocks(README, "yaml")[0])
    command = [sys.executable, "-m", "scenarios", "run", "--plain", "--select", "claims/issuer"]

    done = subprocess.run(
        [*command, "--target", "target.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.stderr == ""
    assert "claims/issuer" in done.stdout
    assert done.returncode == 0


def test_the_tables_of_the_writing_guide_load() -> None:
    whole, steps = blocks(WRITING, "yaml")
    group = "group: keys/example\ntitle: An example\ngiven: {users: {ann: ann-sub}, token: {claims: {exp: +2d}}}\n"

    assert len(load_table(whole, "guide")) == 4
    assert (
        len(load_table(f"{group}scenarios:\n{textwrap.indent(textwrap.dedent(steps), '  ')}", "guide")) == 1
    )


def test_the_readme_names_every_command() -> None:
    for name in COMMANDS:
        assert f"touchstone {name}" in README

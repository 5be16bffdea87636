"""The manual names every fault with its sentence and its rules."""

from pathlib import Path

import pytest

from mock_idp import FAULTS

MANUAL = (Path(__file__).parents[2] / "docs" / "mock-idp.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FAULTS)
def test_the_manual_has_the_row_of_every_fault(name: str) -> None:
    fault = FAULTS[name]

    assert f"| `{name}` | {fault.says} | {', '.join(fault.rules)} |" in MANUAL

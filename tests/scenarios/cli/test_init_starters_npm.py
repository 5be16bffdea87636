"""The starters in Node that `touchstone init` writes run at once; `nox -s clients` has Node, which is all they need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scenarios.targets.protocol import KEY_FORMS

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("keys", KEY_FORMS)
def test_a_starter_in_node_runs_at_once_with_each_form_of_keys(
    touchstone: Callable[..., Any], keys: str
) -> None:
    algorithms = "RS256,PS384,ES256,ES512,EdDSA"
    touchstone("init", "mine", "--kind", "node", "--keys", keys, "--algorithms", algorithms)

    checked = touchstone("check-target", "mine/target.yaml")
    few = ("--select", "signature/honest", "--select", "signature/tampered", "--select", "claims/audience")
    ran = touchstone("run", "--plain", "--target", "mine/target.yaml", *few, "--json", "run.json")

    assert checked.status == 0, checked.out
    assert ran.status == 0, ran.out
    assert json.loads(Path("run.json").read_text(encoding="utf-8"))["totals"]["pass"] > 15

"""Every rule that concerns a verifier has its id where it is kept, so that a reader finds its code."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import verifier
from scenarios import rulebook

GROUPS = ("ONB", "KEY", "SIG", "FMT", "CLM", "MAP", "AZR", "IDP", "HTTP", "OPS")

WITHOUT_CODE = {
    "AZR-005": "a pairwise sub is an External ID like any other (MAP-001)",
    "AZR-006": "a v1.0 token lacks the claim, and falls back (MAP-004)",
    "AZR-007": "a token without the scope profile lacks the claim, and falls back (MAP-004)",
    "AZR-010": "a new name is a value that nobody has (MAP-014) until the External ID follows (MAP-042)",
    "AZR-027": "the custom claim (MAP-002) where one is set, sub (MAP-001) where none is",
    "IDP-001": "sub is compared as it comes (MAP-026), in whatever token it comes",
}
"""Rules that a verifier keeps without code of their own, each with the reason."""


def named() -> Iterator[str]:
    """Yield every rule that the verifier's sources name; `MAP-004 to MAP-006` names three."""
    for file in Path(verifier.__file__).parent.rglob("*.py"):
        text = " ".join(file.read_text(encoding="utf-8").split())
        for group, first, _, last in re.findall(
            r"\b(ONB|KEY|SIG|FMT|CLM|MAP|AZR|IDP|HTTP|OPS)-(\d{3})\b( to \1-(\d{3}))?", text
        ):
            yield from (f"{group}-{number:03d}" for number in range(int(first), int(last or first) + 1))


@pytest.mark.parametrize("group", GROUPS)
def test_each_rule_is_named_where_it_is_kept(group: str) -> None:
    found = set(named())
    rules = {rule for rule in rulebook.rules() if rule.startswith(f"{group}-")}

    assert rules - found == {rule for rule in WITHOUT_CODE if rule.startswith(f"{group}-")}


def test_no_rule_is_named_that_does_not_exist() -> None:
    assert set(named()) <= rulebook.rules().keys()

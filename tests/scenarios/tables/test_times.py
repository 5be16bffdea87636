"""Times of tables: relative, in seconds, and with knobs in sums."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.tables import times


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("now", 0),
        ("+5m", 300),
        ("5m", 300),
        ("-1h30m", -5400),
        ("now - 1s", -1),
        ("+500ms", 0.5),
        ("1d", 86400),
        (" + 2s - 1s ", 1),
        ("leeway_s", 60),
        ("leeway_s + 1s", 61),
        ("-leeway_s -1s", -61),
        ("now + jwks_period_s - leeway_s", 3540),
    ],
)
def test_a_time_is_a_sum_of_durations_and_knobs(text: str, seconds: float) -> None:
    knobs = {"leeway_s": 60.0, "jwks_period_s": 3600.0}

    assert times.parse(text).of(knobs.__getitem__) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "5", "5 m", "tomorrow", "5x", "now 5m", "5mm", "+", "2026-01-01", "9" * 400 + "d"]
)
def test_what_is_no_time_is_told_what_would_be(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time: write now, \+5m, -1h30m"):
        times.parse(text)


@given(st.text("0123456789nowmshd+-_ leay", max_size=30))
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    said = "is no time"
    try:
        times.parse(text)
    except ValueError as error:
        said = str(error)

    assert "is no time" in said


@pytest.mark.parametrize("name", ["exp", "EXP", "Nbf", "iAt", "Auth_Time"])
def test_a_claim_called_like_a_time_in_any_letters_is_a_time(name: str) -> None:
    assert times.is_time_claim(name)


@pytest.mark.parametrize("name", ["expires", "", "iat ", "\u0130at"])
def test_a_claim_of_another_name_is_no_time(name: str) -> None:
    assert not times.is_time_claim(name)

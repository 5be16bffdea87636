"""The result of a load run as one page that needs nothing else: curves over time, rotations and faults marked."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from scenarios.load.result import SAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scenarios.load.result import LoadResult

WIDTH: Final = 1_000
HEIGHT: Final = 180
"""Of one chart, in units of the drawing."""
_CURVES: Final = ("p50", "p90", "p99")


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart; `path` is the `d` of an SVG path."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart; `top` is what its upper edge stands for."""

    title: str
    unit: str
    top: str
    curves: tuple[Curve, ...]


def page(result: LoadResult) -> str:
    """Return the page."""
    from jinja2 import Environment

    source = files("scenarios").joinpath("reports", "load.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    whole = max(result.duration_s, 1)
    return template.render(
        result=result,
        says=SAYS,
        charts=charts(result),
        width=WIDTH,
        height=HEIGHT,
        rotations=[(at, round(at / whole * WIDTH, 1)) for at in result.rotations],
        events=[
            (event, round(event.at_s / whole * WIDTH, 1), round(event.for_s / whole * WIDTH, 1))
            for event in result.events
        ],
        first_wrong=[
            (problem, round(problem.first_s / whole * WIDTH, 1))
            for problem in result.problems
            if problem.first_s is not None
        ],
    )


def charts(result: LoadResult) -> list[Chart]:
    """Return the charts: times, requests, fetches."""
    points, whole = result.points, result.duration_s
    places = [(point.at_s + point.for_s / 2) / whole * WIDTH for point in points]
    times = {name: [getattr(point.times_ms, name) for point in points] for name in _CURVES}
    sent = [point.sent / point.for_s for point in points]
    wrong = [point.wrong / point.for_s for point in points]
    fetches: list[float | None] = [point.fetches for point in points]
    slowest = _top(value for values in times.values() for value in values)
    busiest, asked = _top(sent), _top(fetches)
    return [
        Chart(
            "Times of good tokens",
            "ms",
            f"{slowest:g}",
            tuple(Curve(name, _path(places, times[name], slowest)) for name in _CURVES),
        ),
        Chart(
            "Requests a second",
            "1/s",
            f"{busiest:g}",
            (Curve("sent", _path(places, sent, busiest)), Curve("wrong", _path(places, wrong, busiest))),
        ),
        Chart(
            f"Fetches of the JWKS in {points[0].for_s if points else 1} s",
            "",
            f"{asked:g}",
            (Curve("fetches", _path(places, fetches, asked)),),
        ),
    ]


def _top(values: Iterable[float | None]) -> float:
    """Return a round number that no value is above."""
    highest = max((value for value in values if value is not None), default=0.0)
    top = 1.0
    while top < highest:
        top *= 2.5 if str(top)[0] == "2" else 2
    return top


def _path(places: Sequence[float], values: Sequence[float | None], top: float) -> str:
    """Return the path through the values; where there is none, the line is broken."""
    parts, broken = [], True
    for place, value in zip(places, values, strict=True):
        if value is None:
            broken = True
            continue
        parts.append(f"{'M' if broken else 'L'}{place:.1f},{HEIGHT - value / top * HEIGHT:.1f}")
        broken = False
    return " ".join(parts)

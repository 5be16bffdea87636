"""`touchstone plan-rotation` as a user meets it: reports, files, mistakes, and what docs/scale.md shows of it."""

from __future__ import annotations

import json
import re
import shlex
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.scenarios.cli.conftest import Touchstone

GUIDE = (Path(__file__).parents[3] / "docs" / "scale.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
SHOWN = [block.partition("\n") for name, block in BLOCKS if not name and block.startswith("$ touchstone ")]
PLAN = next(block for name, block in BLOCKS if name == "yaml")
SAFE = ("plan-rotation", "--nodes", "5", "--plain")


@pytest.mark.parametrize("line, shown", [(line, shown) for line, _, shown in SHOWN], ids=range(len(SHOWN)))
def test_the_scale_guide_shows_what_the_command_says(touchstone: Touchstone, line: str, shown: str) -> None:
    touchstone.write("plan.yaml", PLAN)
    touchstone.write("wrong.yaml", PLAN.replace("retire_s", "retires_s"))

    ended = touchstone(*shlex.split(line.removeprefix("$ touchstone ")))

    said = re.sub(r" +$", "", ended.out + ended.err, flags=re.MULTILINE)
    places = [said.index(part) for part in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE) if part]
    assert places == sorted(places)
    assert said == shown or "..." in shown


def test_the_scale_guide_shows_commands() -> None:
    assert len(SHOWN) > 7


def test_a_report_fits_into_80_columns_and_ends_with_its_verdict(touchstone: Touchstone) -> None:
    safe = touchstone(*SAFE, "--edges", "2", "--edge-stale", "1m", "--max-age", "5m")
    unsafe = touchstone(*SAFE, "--activate", "1m", "--retire", "2m")

    assert (safe.status, safe.err, unsafe.status, unsafe.err) == (0, "", 1, "")
    assert max(map(len, (safe.out + unsafe.out).splitlines())) <= 80
    assert safe.out.endswith("the plan is safe\n")
    assert unsafe.out.count("UNSAFE") == 2


def test_all_figures_come_as_json(touchstone: Touchstone) -> None:
    ended = touchstone(*SAFE, "--json", "-", "--period", "10m", "--seed", "3", "--activate", "20m")

    found = json.loads(ended.out)
    assert (found["schema"], found["plan"]["seed"], found["findings"]) == (1, 3, [])
    assert found["plan"]["fleets"][0]["policy"]["jwks_period_s"] == 600
    assert found["overlap"]["lead_s"] == pytest.approx(590.1)
    assert found["plan"]["rotation"] == {"activate_s": 1200, "retire_s": 14400, "emergency": False}
    assert {"refused", "known", "lives_on", "fetches", "idp", "timeline"} <= found.keys()


class Polylines(HTMLParser):
    """Collects the lines of the drawings, and complains of nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.points: dict[str, list[tuple[float, float]]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "polyline":
            said = dict(attrs)
            pairs = (pair.split(",") for pair in str(said["points"]).split())
            self.points[str(said["class"])] = [(float(x), float(y)) for x, y in pairs]


def test_the_page_draws_keys_and_requests_over_time(touchstone: Touchstone) -> None:
    ended = touchstone(*SAFE, "--html", "page.html", "--edges", "1", "--activate", "1m", "--retire", "2m")

    page = (touchstone.folder / "page.html").read_text(encoding="utf-8")
    drawn = Polylines()
    drawn.feed(page)
    assert ended.status == 1
    assert set(drawn.points) == {"new", "old", "edge", "idp"}
    assert all(0 <= y <= 160 for points in drawn.points.values() for _, y in points)
    assert drawn.points["new"][0][1] > drawn.points["new"][-1][1] == 0
    assert page.count("Unsafe: ") == 2
    assert "<script" not in page
    assert "http" not in page


def test_options_choose_the_rotation_of_a_plan_file(touchstone: Touchstone) -> None:
    path = touchstone.write("plan.yaml", "fleets: [{nodes: 3}]\n")

    ended = touchstone("plan-rotation", path, "--emergency", "--json", "-")

    rotation = json.loads(ended.out)["plan"]["rotation"]
    assert rotation == {"activate_s": 0, "retire_s": 0, "emergency": True}
    assert ended.status == 0


@pytest.mark.parametrize(
    "text, said",
    [
        ("fleets:\n- nodes: 0\n", "plan.yaml:2:3: 'nodes': from 1 to 200,000, not 0"),
        ("fleets: []\n", "plan.yaml:1:1: 'fleets': at least one"),
        ("fleets: [{nodes: many}]\n", "plan.yaml:1:11: 'nodes': expected a whole number, got text"),
        ("cdn: {edge: 3}\n", "plan.yaml:1:7: unknown field 'edge' (did you mean 'edges'?)"),
        (
            "rotation: {activate_s: 9,\n  retire_s: 5}\n",
            "plan.yaml:2:3: 'retire_s': not before 'activate_s', or nothing signs in between",
        ),
        (
            "fleets: [{policy: {jwks_period_s: 90000}}]\n",
            "plan.yaml:1:20: 'jwks_period_s': above 0, within the staleness",
        ),
        (
            "fleets: [{fetch_s: 5}]\n",
            "plan.yaml:1:11: 'fetch_s': below 'jwks_timeout_s', or every fetch fails",
        ),
        (
            "idp: {token_lifetime_s: .nan}\n",
            "plan.yaml:1:7: 'token_lifetime_s': from 1 to 2,592,000, not nan",
        ),
        ("fleets: [{nodes: 150000, policy: {jwks_period_s: 30}}]\n", "fetches would be simulated"),
        ("a: b: c", "plan.yaml:1:5: this is not YAML"),
    ],
)
def test_a_mistake_in_a_plan_is_named_at_its_place(touchstone: Touchstone, text: str, said: str) -> None:
    ended = touchstone("plan-rotation", touchstone.write("plan.yaml", text))

    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--period", "soon"], "'soon' is no length of time, such as 90s, 5m or 1h30m"),
        (["--period", "-5s"], "is no length of time"),
        (["--period", "leeway_s"], "is no length of time"),
        (
            ["--activate", "2h", "--retire", "1h"],
            "--retire: not before --activate, or nothing signs in between",
        ),
        (["--nodes", "0"], "--nodes: from 1 to 200,000, not 0"),
        (["--period", "48h"], "--period: above 0, within the staleness"),
        (["--json", "-", "--html", "-"], "only one output can go to stdout"),
        (["--json", "no/such/folder.json"], "its folder must exist"),
        (["no-such-plan.yaml"], "'no-such-plan.yaml' cannot be read: No such file or directory"),
        (["no-such-plan.yaml", "--nodes", "4"], "--nodes and a plan file exclude each other"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_option(
    touchstone: Touchstone, arguments: list[str], said: str
) -> None:
    ended = touchstone("plan-rotation", *arguments)

    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1

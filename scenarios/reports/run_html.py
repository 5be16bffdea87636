"""A run as one page that needs nothing else: the verdict, the score, and each result with all that explains it.

Findings are told in full, the worst first, up to a number of characters; a pass carries its expectation, its verdict
and the command that asks it again.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scenarios import rulebook
from scenarios.decode import cut, decode
from scenarios.reports.pages import filled_in
from scenarios.reports.run_words import LADDER, PARTS, score, verdict_of
from scenarios.reports.stakes import STAKES, stake
from scenarios.reports.timeline_svg import drawing
from scenarios.results import FINDINGS, Kind, Result, Run, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scenarios.results import Exchange

MAX_EXCHANGES: Final = 6
"""So many exchanges of one finding are shown: the last ones."""
MAX_DETAIL: Final = 1_000_000
"""So many characters the findings that are told in full take, about; those beyond it name where the rest is kept."""
OVERHEAD: Final = 3_500
"""So many characters a finding takes, about, beside what was sent and answered."""
MAX_TOKEN: Final = 2_500
"""So much of one token is shown as it was sent (characters)."""
_LEXEMES: Final = re.compile(
    r'("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)|([^"\d-]+|.)', re.DOTALL
)


def page(run: Run, *, strict: bool = False) -> str:
    """Return the page of a run, as HTML; with `strict` a warning counts as a finding."""
    findings = run.findings()
    order = {result.id: index for index, result in enumerate(findings)}
    rest = [result for result in run.results if result.id not in order]
    room = _Room(MAX_DETAIL)
    rows = [_row(result, run, room) for result in (*findings, *rest)]
    used = sorted({rule for result in run.results for rule in result.rules})
    return filled_in(
        "run.html.j2",
        run=run,
        # A result file may come from anywhere, and what a link names may be run.
        build=run.build if run.build.startswith(("https://", "http://")) else "",
        verdict=verdict_of(run, strict=strict),
        bars=[(title, score(run.results, key)) for title, key in PARTS],
        kinds=[kind for kind in LADDER if run.totals.get(kind.value)],
        worst=_worst(findings),
        sample=_sample(run, findings),
        rows=rows,
        policies=[record for record in run.policies if record.finding],
        choices=[record for record in run.policies if not record.finding],
        idle=Counter(r.message for r in run.results if r.outcome is Kind.NOT_APPLICABLE).most_common(),
        rules=[_rule(name) for name in used],
        profile=[(name, _listed(value)) for name, value in run.profile.items() if value],
    )


class _Room:
    """How much detail the page still has room for (characters)."""

    def __init__(self, left: int) -> None:
        self.left = left

    def takes(self, result: Result) -> bool:
        """Whether a result's exchanges fit; if so they count."""
        size = OVERHEAD + sum(
            500
            + len(one.answer)
            + 4 * min(len(one.token or ""), MAX_TOKEN)
            + 4 * len(str(one.sent or ""))
            + 3 * min(len(one.published or ""), MAX_TOKEN)
            for one in result.exchanges[-MAX_EXCHANGES:]
        )
        if size > self.left:
            return False
        self.left -= size
        return True


def _row(result: Result, run: Run, room: _Room) -> dict[str, Any]:
    told = result.outcome in FINDINGS | {Kind.WARN, Kind.XFAIL}
    fits = told and room.takes(result)
    return {
        "result": result,
        "told": fits,
        "group": result.id.rpartition("/")[0],
        "expects": _sign(result.expected),
        "did": _did(result),
        "stake": stake(result) if fits else "",
        "rules": [_rule(name) for name in result.rules[:1]] if fits else [],
        "steps": list(_steps(result.exchanges)) if fits else [],
        "left_out": told and not fits,
        "earlier": max(0, len(result.exchanges) - MAX_EXCHANGES),
        "drawing": drawing(result.timeline) if result.timeline and fits else None,
        "again": None if result.outcome is Kind.NOT_APPLICABLE else again(result, run),
    }


def again(result: Result, run: Run) -> str:
    """Return the command that asks a result again: from the file of the run's results where there is one."""
    words = [run.replay] if run.replay else [run.again, "--select"]
    return " ".join([*words, shlex.quote(result.id)])


def _sign(expected: str) -> tuple[str, str]:
    """Return the kind of what was expected, for its sign, and its words in short."""
    word = expected.split(" ", 1)[0]
    both = " or " in re.sub(r"\([^()]*\)", "", expected)
    kind = "by" if word == "by" or both else {"accept": "yes", "onboarded": "yes"}.get(word, "no")
    return kind, cut(re.sub(r"\s*\(.*", "", expected, flags=re.DOTALL) if word != "by" else expected, 60)


def _did(result: Result) -> tuple[str, str]:
    verdict = result.verdict
    if verdict is None:
        return "none", "not asked"
    match verdict.kind:
        case "accept":
            return "yes", f"accept as {cut(verdict.user, 40)}" if verdict.user else "accept"
        case "onboarded":
            return "yes", "onboarded"
        case "reject" | "refused" | "asked":
            return "no", cut(f"{verdict.kind}: {verdict.reason}" if verdict.reason else verdict.kind, 60)
        case "error":
            return "none", "no verdict"
    return "none", cut(verdict.kind, 40)


def _steps(exchanges: Sequence[Exchange]) -> Iterator[dict[str, Any]]:
    for one in exchanges[-MAX_EXCHANGES:]:
        decoded = None if one.token is None else decode(one.token)
        parts = cut(one.token or "", MAX_TOKEN).split(".", 2)
        yield {
            "step": one.step,
            "answer": cut(one.answer, 1_000),
            "raw": [part + "." * (index < len(parts) - 1) for index, part in enumerate(parts)],
            "decoded": None
            if decoded is None
            else [
                ("header", _coloured(decoded.header)),
                ("payload", _coloured(decoded.payload)),
                ("signature", [("", decoded.signature + decoded.rest)]),
            ],
            "sent": [
                (name, _coloured(cut(_json(value), 1_000)))
                for name, value in (one.sent or {}).items()
                if value is not None
            ],
            "published": None if one.published is None else _coloured(cut(one.published)),
            "request": one.request,
            "http": one.http,
        }


def _json(value: Any) -> str:
    """Return what was sent as it was: a text as it stands, all else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _coloured(text: str) -> list[tuple[str, str]]:
    """Return JSON in pieces: `k` for names, `s` for texts, `n` for what is no text, and what stands between."""
    if not text.startswith(("{", "[")):  # what could not be read, in words
        return [("", text)]
    pieces: list[tuple[str, str]] = []
    for match in _LEXEMES.finditer(text):
        quoted, colon, other, rest = match.groups()
        if quoted is not None:
            pieces.append(("k" if colon else "s", quoted))
        kind, more = ("n", other) if other is not None else ("", colon or rest or "")
        if not more:
            continue
        if kind == "" and pieces and pieces[-1][0] == "":
            pieces[-1] = ("", pieces[-1][1] + more)
        else:
            pieces.append((kind, more))
    return pieces


def _worst(findings: Iterable[Result]) -> list[tuple[str, int, str]]:
    counts = Counter(result.severity for result in findings if result.severity is not None)
    return [(kind.value, counts[kind], STAKES[kind]) for kind in Severity if counts[kind]]


def _sample(run: Run, findings: Sequence[Result]) -> dict[str, Any] | None:
    """Return the timeline to show first: of the worst finding that has one, else of the liveliest rotation."""
    for one in (*findings, *sorted(run.results, key=_liveliness, reverse=True)):
        if len(one.timeline) > 1 and sum(moment.keys is not None for moment in one.timeline) > 1:
            return {"result": one, "drawing": drawing(one.timeline), "moments": one.timeline}
    return None


def _liveliness(result: Result) -> int:
    return sum((moment.keys is not None) + bool(moment.kind) for moment in result.timeline)


def _rule(name: str) -> dict[str, Any]:
    rule = rulebook.rules()[name]
    return {
        "rule": rule,
        "gists": rulebook.source_gists(rule.source),
        "authority": rulebook.basis_text(rule.basis),
    }


def _listed(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={item}" for name, item in value.items())
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

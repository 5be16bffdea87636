"""The report of a run for a person at a terminal, at 80 columns, with and without colour."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from scenarios import rulebook
from scenarios.decode import cut, decode
from scenarios.files.problems import counted
from scenarios.results import Kind, ProfileKind, Result, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STYLES: Final = {
    Kind.PASS: "green",
    Kind.FAIL: "bold red",
    Kind.WARN: "yellow",
    Kind.ERROR: "bold magenta",
    Kind.UNPROVEN: "cyan",
    Kind.XFAIL: "dim",
    Kind.XPASS: "bold cyan",
    Kind.NOT_APPLICABLE: "dim",
}
COLUMNS: Final = (Kind.PASS, Kind.FAIL, Kind.WARN, Kind.ERROR, Kind.UNPROVEN, Kind.NOT_APPLICABLE)
INDENT: Final = 3
LABEL: Final = 13
"""Width of the labels of a finding (characters)."""
WIDE: Final = 78
"""On a narrower terminal (characters) a column without a count is left out."""
MAX_EXCHANGES: Final = 6
"""So many exchanges of one finding are shown: the last ones."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command what a reader that goes away means; rich would end the process."""
        raise BrokenPipeError


def console(*, plain: bool = False, stderr: bool = False) -> Console:
    """Return a console that wraps at the terminal's width; `plain`, or NO_COLOR, takes all styling away."""
    bare = plain or bool(os.environ.get("NO_COLOR"))
    return _Console(
        stderr=stderr,
        color_system=None if bare else "auto",
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def report(
    run: Run,
    out: Console,
    *,
    details: int | None = 20,
    again: str = "touchstone run",
    strict: bool = False,
) -> None:
    """Print the report of a run.

    `details` bounds how many findings are explained (None: all); `again` is the command that runs one scenario again;
    with `strict` a warning counts as a finding.
    """
    _header(run, out)
    out.print(_groups(run, out))
    if run.health.abandoned:  # the one thing to know, before all that follows from it
        _health(run, out)
    _profile(run, out)
    findings = [result for result in run.findings() if not result.unasked]
    for number, result in enumerate(findings[:details], 1):
        finding(result, out, again=again, number=number)
    _briefly(findings[details:] if details is not None else [], out)
    _known(run, out)
    _idle(run, out)
    if not run.health.abandoned:
        _health(run, out)
    _verdict(run, out, strict=strict)


def _header(run: Run, out: Console) -> None:
    target, profile = run.target, run.profile
    name = " ".join(filter(None, (target.name, target.version)))
    kind = ", ".join(filter(None, (target.language, str(profile.get("scope", "")), target.adapter)))
    out.print(Text(f"Touchstone {run.tool}", style="bold"))
    row(out, "target", f"{name} ({kind})")
    for member, label in (("keys", "keys"), ("algorithms", "algorithms"), ("capabilities", "can")):
        if profile.get(member):
            row(out, label, " ".join(map(str, profile[member])))
    if knobs := profile.get("knobs"):
        row(out, "knobs", " ".join(f"{knob}={value}" for knob, value in knobs.items()))
    row(out, "otherwise", _UNDECLARED[profile.get("scope") == "library"])
    row(out, "mock IdP", f"{run.issued} tokens issued, JWKS fetched {run.fetched} times")
    out.print()


_UNDECLARED: Final = {
    True: "a library: where the standards leave a choice, any is right (touchstone list --knobs)",
    False: "held to the default of each knob that it does not declare (touchstone list --knobs)",
}
"""What a target is held to in what its profile does not say; whether it is a library."""


def _profile(run: Run, out: Console) -> None:
    """Say where the target contradicts its own profile, and apart from it what a library has chosen."""
    findings = run.profile_findings()
    if findings:
        out.print()
        out.print(Text(f"{counted(len(findings), 'finding')} of the target's own profile:", style="bold red"))
    for record in findings:
        row(out, "knob", f"{record.knob}: {record.message}")
    chosen = [record for record in run.policies if not record.finding and record.known is None]
    if chosen:
        out.print()
        out.print(Text("choices that are the library's own, and no findings:", style="bold"))
    for kind in (ProfileKind.CHOSEN, ProfileKind.VARIES):
        names = [
            f"{record.knob}={next(iter(record.like))}" if kind is ProfileKind.CHOSEN else record.knob
            for record in chosen
            if record.kind is kind
        ]
        if names:
            row(out, "behaves like" if kind is ProfileKind.CHOSEN else kind.value, ", ".join(names))


def _groups(run: Run, out: Console) -> Table:
    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        show_footer=True,
        header_style="bold",
        footer_style="bold",
    )
    counts: dict[str, Counter[Kind]] = {}
    for result in run.results:
        counts.setdefault(result.id.rpartition("/")[0], Counter())[result.outcome] += 1
    always = COLUMNS if out.width >= WIDE else (Kind.PASS, Kind.FAIL)
    columns = [
        kind for kind in (*COLUMNS, Kind.XFAIL, Kind.XPASS) if kind in always or run.totals[kind.value]
    ]
    table.add_column("group", footer=counted(len(run.results), "scenario"), overflow="fold")
    for kind in columns:
        table.add_column(_heading(kind), justify="right", footer=str(run.totals[kind.value]), no_wrap=True)
    for group, count in counts.items():
        cells = (
            Text(str(count[kind] or "·"), style=STYLES[kind] if count[kind] else "dim") for kind in columns
        )
        table.add_row(Text(group), *cells)
    return table


def _heading(kind: Kind) -> str:
    return "n/a" if kind is Kind.NOT_APPLICABLE else kind.value


def finding(result: Result, out: Console, *, again: str | None = None, number: int | None = None) -> None:
    """Print one finding: what was sent, what was expected and by what authority, what came, how to see it again."""
    rule = rulebook.rules()[result.rules[0]]
    out.print()
    severity = f" · {result.severity.value}" if result.severity else ""
    out.print(
        Text.assemble(
            "" if number is None else f"{number}. ",
            (result.outcome.value.upper(), STYLES[result.outcome]),
            "  ",
            (result.id, "bold"),
            f"  {result.level}{severity}",
        )
    )
    rows = [
        ("scenario", result.says),
        ("rule", f"{rule.id}: {rule.statement}"),
        ("source", rule.source),
        *((f" {key}", gist) for key, gist in rulebook.source_gists(rule.source)),
        *([("note", rule.note)] if rule.note else []),
        ("authority", f"{result.basis}: {rulebook.basis_text(rule.basis)}"),
        *_sent(result),
        ("expected", result.expected),
        ("target", _did(result)),
    ]
    for label, text in rows:
        row(out, label, text)
    if again is not None:  # never broken into lines: it is there to be copied
        command = f"{again} --select {shlex.quote(result.id)}"
        out.print(Text.assemble(" " * INDENT, ("again".ljust(LABEL), "dim"), command), soft_wrap=True)


def paragraph(out: Console, text: Text, indent: int = 0) -> None:
    """Print a text whose lines after the first are indented; none ends with a space."""
    for number, line in enumerate(text.wrap(out, max(out.width - indent, 20))):
        line.rstrip()
        out.print(Text(" " * (indent if number else 0)).append_text(line))


def row(out: Console, label: str, text: str) -> None:
    """Print one labelled text, wrapped beside its label."""
    lines = Text(text).wrap(out, max(out.width - INDENT - LABEL, 20), overflow="fold")
    for number, line in enumerate(lines):
        line.rstrip()
        out.print(Text.assemble(" " * INDENT, (f"{label if number == 0 else '':{LABEL - 1}} ", "dim"), line))


def _did(result: Result) -> str:
    # Most messages repeat the expectation, which stands in the row above.
    expected = f"expected {result.expected}; "
    return cut(result.message.removeprefix(expected), 600)


def _sent(result: Result) -> Iterator[tuple[str, str]]:
    last = result.exchanges[-MAX_EXCHANGES:]
    if len(result.exchanges) > len(last):
        yield "before", f"{len(result.exchanges) - len(last)} steps as expected"
    for exchange in last[:-1]:
        yield "step", f"{exchange.step}: {cut(exchange.answer, 200)}"
        if exchange.published is not None:
            yield " jwks", cut(exchange.published)
    for exchange in last[-1:]:
        yield "sent", exchange.step
        if exchange.token is not None:
            yield from _token(exchange.token)
        for label, text in (("over http", exchange.request), ("answer", exchange.http)):
            lines = (text or "").splitlines()
            yield from ((label if index == 0 else "", line) for index, line in enumerate(lines))
        for name, value in (exchange.sent or {}).items():
            if value is not None:
                yield f" {name}"[: LABEL - 1], cut(str(value), 300)
        if exchange.published is not None:
            yield " jwks", cut(exchange.published)


def _token(token: str) -> Iterator[tuple[str, str]]:
    decoded = decode(token)
    yield " header", decoded.header
    yield " payload", decoded.payload
    yield " signature", decoded.signature
    if decoded.rest:
        yield " and then", decoded.rest


def _briefly(results: Iterable[Result], out: Console) -> None:
    results = list(results)
    if not results:
        return
    out.print()
    out.print(Text(f"and {len(results)} more (--details all explains each):", style="bold"))
    for result in results:
        text = Text.assemble(
            "  ",
            (result.outcome.value.upper().ljust(9), STYLES[result.outcome]),
            f"{result.rules[0]}  {result.id}",
        )
        out.print(text, overflow="fold")


def _known(run: Run, out: Console) -> None:
    known = [result for result in run.results if result.outcome is Kind.XFAIL]
    policies = [record for record in run.policies if record.known is not None]
    if known or policies:
        out.print()
        out.print(Text(f"{counted(len(known) + len(policies), 'known failure')} (baseline):", style="bold"))
    for record in policies:
        row(out, "knob", f"{record.knob}: {record.known}")
    for result in known:
        row(out, result.rules[0], f"{result.id}: {result.known}")
    for problem in run.baseline_problems:
        out.print(Text(problem, style="bold red"))


def _idle(run: Run, out: Console) -> None:
    unasked = sum(result.unasked for result in run.results)
    if unasked:
        out.print()
        out.print(Text(f"{unasked} not asked any more: the target had been given up", style="bold"))
    reasons = Counter(result.message for result in run.results if result.outcome is Kind.NOT_APPLICABLE)
    if not reasons:
        return
    out.print()
    out.print(Text(f"{sum(reasons.values())} not applicable:", style="bold"))
    for reason, count in reasons.most_common():
        row(out, str(count), reason)


def _health(run: Run, out: Console) -> None:
    health = run.health
    counts = [
        counted(count, name)
        for count, name in (
            (health.crashes, "crash" if health.crashes == 1 else "crashe"),
            (health.timeouts, "time-out"),
            (health.protocol_errors, "broken protocol line"),
            (health.restarts, "restart"),
        )
        if count
    ]
    if not counts and not health.abandoned:
        return
    out.print()
    out.print(Text(f"the target's health: {', '.join(counts)}", style="bold magenta"))
    if health.abandoned:
        out.print(Text(f"  {cut(health.abandoned, 600)}"))
    tail = health.stderr.strip().splitlines()[-5:]
    if tail:
        out.print(Text("  its last words on stderr:", style="dim"))
        for line in tail:
            out.print(Text(f"    {cut(line, 300)}", style="dim"))


def _verdict(run: Run, out: Console, *, strict: bool) -> None:
    totals = run.totals
    kinds = (Kind.FAIL, Kind.ERROR, Kind.UNPROVEN, Kind.XPASS, *([Kind.WARN] if strict else []))
    findings = sum(totals[kind.value] for kind in kinds)
    asked = len(run.results) - totals[Kind.NOT_APPLICABLE.value]
    out.print()
    if run.interrupted:
        out.print(Text("interrupted: this is the report of what ran", style="bold yellow"))
    if not asked:
        out.print(Text("nothing was asked of this target", style="bold yellow"))
        return
    own = len(run.profile_findings())
    words = [counted(findings, "finding") if findings else "no other finding" if own else "no findings"]
    if own:
        words.insert(0, counted(own, "finding") + " of its own profile")
    if totals["warn"] and not strict:
        words.append(counted(totals["warn"], "warning"))
    if run.baseline_problems:
        words.append(counted(len(run.baseline_problems), "mistake") + " in the baseline")
    bad = findings or own or run.baseline_problems
    ending = f"{totals['pass']} of {asked} scenarios pass, in {run.duration_s:.1f} s"
    out.print(Text(f"{', '.join(words)}: {ending}", style="bold red" if bad else "bold green"))

"""What comes out of a run: results, findings, and the totals that scripts depend on (the names are a contract)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec

SCHEMA: Final = "touchstone-run-1"
"""The version of the JSON that `touchstone run --json` writes."""


class Kind(StrEnum):
    """How a scenario came out."""

    PASS = "pass"  # noqa: S105 - an outcome, no password
    """As expected."""
    FAIL = "fail"
    """A broken MUST, or a policy that contradicts the target's own profile."""
    WARN = "warn"
    """A broken SHOULD or MAY, or a right reject for the wrong reason."""
    ERROR = "error"
    """A crash, a time-out or a broken protocol line: it never counts as a reject."""
    UNPROVEN = "unproven"
    """Rejected as expected, but so was its control: it proves nothing."""
    XFAIL = "xfail"
    """Failed, and the baseline says why that is known."""
    XPASS = "xpass"
    """In the baseline, and no longer fails."""
    NOT_APPLICABLE = "not_applicable"
    """The target does not claim what the scenario needs."""


class Severity(StrEnum):
    """How bad a deviation is, the worst first."""

    WRONG_USER = "wrong user"
    """Accepted as somebody else: the worst there is."""
    FALSE_ACCEPT = "false accept"
    """A false token, or a false record, was accepted."""
    CANARY = "canary fetched"
    """An address that came from a token was asked."""
    QUOTED = "token repeated"
    """An answer carried a part of the token along."""
    CRASH = "crash or hang"
    """The target gave no answer."""
    BROKEN = "broken protocol"
    """The target's answer was none that the protocol knows."""
    FALSE_REJECT = "false reject"
    """A true token, or a good record, was turned away."""
    REQUESTS = "requests"
    """The IdP saw more, or fewer, requests than the bound."""
    WRONG_ANSWER = "wrong answer"
    """Neither access nor a crash, and not the status or the headers that HTTP asks for."""
    WRONG_REASON = "wrong reason"
    """Rightly rejected, with a reason that names another fault, or with less said than should be."""


WORST_FIRST: Final = tuple(Severity)
FINDINGS: Final = frozenset({Kind.FAIL, Kind.ERROR, Kind.UNPROVEN, Kind.XPASS})
"""The outcomes that make a run end with status 1."""


class VerdictRecord(msgspec.Struct, frozen=True):
    """What the target did in the step that decided the result."""

    kind: str
    user: str | None = None
    """Of an accept: as whom, by the user or the claims that the target answered; None for nobody who is known."""
    reason: str | None = None
    detail: str = ""


class Exchange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message to the target and what came back; kept for results that are no pass."""

    step: str
    """Such as `onboard main` or `authenticate`."""
    answer: str
    """The verdict in words."""
    sent: dict[str, Any] | None = None
    """The onboarding record, for an onboarding request."""
    published: str | None = None
    """The JWKS behind the record's URL, where the scenario is about keys."""
    token: str | None = None
    """The credential as it was sent; bytes that are no UTF-8 as `base64:…`, and the beginning of a very long one."""
    request: str | None = None
    """The head of the HTTP request, where the scenario says how the credential travels."""
    http: str | None = None
    """The status and headers that were answered, by a target that is asked over HTTP."""
    now: float | None = None
    """Seconds since the epoch by the scenario's clock."""


class Moment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of a scenario in which time passes, as its timeline shows it."""

    at: float
    """Seconds since the scenario began, by its clock."""
    step: str
    """What was done, such as `onboard main`, `rotate to b` or `authenticate`."""
    answer: str = ""
    """The verdict in words; empty for a change of the world, which nobody answers."""
    kind: str = ""
    """The kind of that verdict, such as `accept`."""
    kid: str = ""
    """Of a token: by which key of the IdP it says that it was signed; empty for none of them."""
    count: int = 1
    """How many tokens of this kind were sent in the step."""
    fetches: int = 0
    """How often the IdP's JWKS was fetched since the moment before."""
    keys: dict[str, str] | None = None
    """The IdP's keys, kid to state, where they are others than at the moment before."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario's result."""

    id: str
    rules: tuple[str, ...]
    level: str
    basis: str
    outcome: Kind
    expected: str
    verdict: VerdictRecord | None = None
    message: str = ""
    """Empty for a pass; else one sentence: what was expected and what came."""
    severity: Severity | None = None
    says: str = ""
    control: str | None = None
    unasked: bool = False
    """Whether it was not asked because the target had been given up by then."""
    table_fault: bool = False
    """Whether the table asks for what nobody can make: its author's mistake, and no finding on the target."""
    known: str | None = None
    """The reason that the baseline gives."""
    duration_s: float = 0.0
    exchanges: tuple[Exchange, ...] = ()
    timeline: tuple[Moment, ...] = ()
    """Of a scenario that moves the world while it runs: its keys, fetches and tokens, in order."""
    table: str = ""
    """Where its row stands, as `file:line`; a table that ships is named from the package's folder."""
    like: dict[str, tuple[str, ...]] = {}
    """By knob, the values that every answer fits; only knobs of which the answers fit some values and not others."""


class ProfileKind(StrEnum):
    """How a target stands to its own profile in one knob, the worst first."""

    BELOW_FLOOR = "below floor"
    """It declares what nobody may."""
    INCONSISTENT = "inconsistent"
    """No value of the knob fits all of its answers: worse than an unusual policy."""
    OTHER_VALUE = "other value"
    """All of its answers fit a value, which is another one than it is held to."""
    VARIES = "varies"
    """No value fits all answers of a library that declares none, and none is asked of it: no finding."""
    CHOSEN = "chosen"
    """A library that declares nothing behaves like this value, and any is right: no finding."""


class ProfileRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How a target stands to its own profile in one knob."""

    knob: str
    kind: ProfileKind
    finding: bool
    held_to: str | None
    """The value that it is held to: declared, or the default; None where any is right for a library."""
    declared: bool
    """Whether the profile says so."""
    like: dict[str, tuple[str, ...]]
    """The values that fit (`X or Y` where one answer fits several) to the ids of the scenarios that show it."""
    message: str
    known: str | None = None
    """The reason that the baseline gives; then it is no finding."""


class TargetRecord(msgspec.Struct, frozen=True):
    """Which target it was."""

    name: str
    version: str = ""
    language: str = ""
    adapter: str = ""
    file: str | None = None
    digest: str = ""
    """The SHA-256 (hex) of the target file. Its text stays where it is: it may hold an admin token."""


class ShardRecord(msgspec.Struct, frozen=True):
    """Which part of a selection a run was."""

    index: int
    """From 1."""
    count: int
    selection: str
    """The SHA-256 (hex) of the ids of the whole selection."""
    total: int
    """How many scenarios the whole selection has."""
    places: tuple[int, ...]
    """Where in the whole selection each scenario of this part stands, in order."""


class HealthRecord(msgspec.Struct, frozen=True):
    """How the target bore up during the run."""

    crashes: int = 0
    timeouts: int = 0
    protocol_errors: int = 0
    restarts: int = 0
    abandoned: str | None = None
    last_exit: str | None = None
    stderr: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run, as `--json` writes it."""

    schema: str = SCHEMA
    tool: str = ""
    target: TargetRecord
    profile: dict[str, Any]
    started: str
    """When it began: UTC, ISO 8601."""
    duration_s: float
    totals: dict[str, int]
    results: tuple[Result, ...]
    health: HealthRecord = HealthRecord()
    issued: int = 0
    """How many tokens the mock IdP issued."""
    fetched: int = 0
    """How often a JWKS was fetched from it."""
    answered: int = 0
    """How many tokens the target judged."""
    interrupted: bool = False
    wanted: int = 0
    """How many scenarios were to be asked; more than there are results when the run was interrupted."""
    command: str = ""
    """The command of the run, as it was given."""
    again: str = "touchstone run"
    """The command that runs one scenario again, less ` --select ID`."""
    replay: str = ""
    """The command that asks a result again from the file of results that was written, less ` ID`; empty without one."""
    build: str = ""
    """The address of the pipeline's job that ran it (`https:` or `http:`); empty elsewhere."""
    baseline_problems: tuple[str, ...] = ()
    catalogue: str = ""
    """The SHA-256 (hex) of the tables that it asked from."""
    tables: dict[str, str] = {}
    """The tables of what was no pass, by name: `replay` needs no other."""
    shard: ShardRecord | None = None
    policies: tuple[ProfileRecord, ...] = ()
    """Where the target differs from its profile, and what a library that declares nothing has chosen."""

    def profile_findings(self) -> list[ProfileRecord]:
        """Return how the target contradicts its own profile, the worst first."""
        order = list(ProfileKind)
        return sorted((one for one in self.policies if one.finding), key=lambda one: order.index(one.kind))

    def findings(self) -> list[Result]:
        """Return the results that are no pass and applied, the worst first."""
        order = {severity: index for index, severity in enumerate(WORST_FIRST)}
        found = [result for result in self.results if result.outcome in FINDINGS | {Kind.WARN}]
        return sorted(
            found,
            key=lambda result: (
                result.outcome is Kind.WARN,
                order[result.severity] if result.severity else len(order),
            ),
        )


def totals(results: tuple[Result, ...]) -> dict[str, int]:
    """Count the outcomes; every outcome is named, at zero too."""
    counts = {kind.value: 0 for kind in Kind}
    for result in results:
        counts[result.outcome.value] += 1
    return counts

"""The plan of a load run, as its file has it: what is sent, what happens meanwhile, and what is allowed.

Reading one starts nothing. Every mistake is named with file, line and column. All times are seconds.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from mock_idp.faults import FaultError, parse_fault
from mock_idp.forgeries import FORGERIES
from mock_idp.schedule import Rotation
from scenarios.files import yaml12
from scenarios.files.convert import convert
from scenarios.files.problems import Problem, TableErrors, nearest
from scenarios.load.truth import Untrue, check_false

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.files.yaml12 import Path as Where

MAX_PEOPLE: Final = 10_000
MAX_PERIODS: Final = 5_000
"""So many keys a run may have."""
MAX_EVENTS: Final = 200

Share = Annotated[float, Meta(ge=0, le=1_000_000)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping of a plan: unknown members are mistakes."""


class ForgedShare(_Strict, frozen=True, kw_only=True):
    """How often a forgery is sent that takes an argument."""

    share: Share
    argument: Any = None


class Mix(_Strict, frozen=True, kw_only=True):
    """What is sent, by shares of any sum."""

    good: Share = 0
    expired: Share = 0
    """Truly signed, and its time was over when it was made (CLM-011)."""
    foreign: Share = 0
    """Signed by a key that nobody published, under the kid of the active one (SIG-003)."""
    unknown_kid: Share = 0
    """A kid that nobody ever published, another one in each token (KEY-006)."""
    retired: Share = 0
    """Made now with a key that was retired `forget_s` ago or longer (KEY-023)."""
    replayed: Share = 0
    """An accepted token once more, after its time is over or its key was retired `forget_s` ago."""
    other_signature: Share = 0
    """Header and payload of a token that was just accepted, with another signature."""
    forged: dict[str, Share | ForgedShare] = {}
    """By names of `mock_idp.forgeries`."""

    def shares(self) -> dict[str, float]:
        """Return the share of each kind; a forgery's is called `forged:NAME`."""
        named = {name: getattr(self, name) for name in self.__struct_fields__ if name != "forged"}
        forged = {
            f"forged:{name}": share.share if isinstance(share, ForgedShare) else share
            for name, share in self.forged.items()
        }
        return {kind: share for kind, share in {**named, **forged}.items() if share > 0}

    def argument(self, name: str) -> Any:
        """Return the argument of a forgery."""
        share = self.forged[name]
        return share.argument if isinstance(share, ForgedShare) else None


class RotationPlan(_Strict, frozen=True, kw_only=True):
    """When keys come and go; see `mock_idp.schedule.Rotation`."""

    every_s: Seconds
    ahead_s: Seconds = 0
    """How long a key is published before it signs (KEY-022)."""
    overlap_s: Seconds = 0
    """How long it stays published after the last token that it signed (KEY-023)."""


class Event(_Strict, frozen=True, kw_only=True):
    """What is otherwise for a while."""

    at_s: Seconds
    for_s: Annotated[float, Meta(gt=0, le=86_400)]
    jwks: str | dict[str, Any] | None = None
    """A fault of the JWKS endpoint, as `mock_idp.faults` has them."""
    mix: Mix | None = None
    """What is sent in place of the usual mix: a flood of unknown kids, for instance."""
    rate: Annotated[float, Meta(gt=0, le=1_000_000)] | None = None
    """Requests a second of each worker, in place of the usual ones."""

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.at_s + self.for_s


class Fetches(_Strict, frozen=True, kw_only=True):
    """A bound on what the IdP is asked for its keys."""

    most: Annotated[int, Meta(ge=0)]
    in_s: Annotated[float, Meta(gt=0, le=86_400)]


class Limits(_Strict, frozen=True, kw_only=True):
    """What a target is allowed; what is not said is not allowed."""

    learn_s: Seconds = 0
    """A good token may be refused while its key could be fetched for no longer than this."""
    forget_s: Seconds | None = None
    """How long after it left the JWKS a key may still be trusted; `retired` and `replayed` need it."""
    fetches: Fetches | None = None
    p99_ms: Annotated[float, Meta(gt=0)] | None = None
    """The 99th percentile of all good tokens' times."""


class Plan(_Strict, frozen=True, kw_only=True):
    """One load run."""

    duration_s: Annotated[float, Meta(ge=1, le=86_400)]
    rate: Annotated[float, Meta(gt=0, le=1_000_000)] | None = None
    """Requests a second of each worker; without it each connection asks as soon as it was answered."""
    connections: Annotated[int, Meta(ge=1, le=100_000)] = 20
    """How many clients of each worker ask at the same time, each over a connection of its own: Locust's users."""
    timeout_s: Annotated[float, Meta(gt=0, le=600)] = 10
    """How long an answer may take."""
    people: Annotated[int, Meta(ge=2, le=MAX_PEOPLE)] = 1_000
    """How many users the target knows."""
    issuer: str = "https://idp.load.example"
    audience: str = "api"
    alg: Literal["ES256", "ES384", "ES512", "RS256", "PS256", "EdDSA"] = "ES256"
    lifetime_s: Annotated[float, Meta(ge=1, le=86_400)] = 300
    leeway_s: Annotated[int, Meta(ge=0, le=300)] = 30
    """What the target tolerates of clock difference; it is told when it is onboarded."""
    seed: int = 0
    mix: Mix
    rotation: RotationPlan | None = None
    events: Annotated[list[Event], Meta(max_length=MAX_EVENTS)] = []
    limits: Limits = Limits()

    def mixes(self) -> Iterator[tuple[Where, Mix]]:
        """Yield every mix with its place."""
        yield ("mix",), self.mix
        for number, event in enumerate(self.events):
            if event.mix is not None:
                yield ("events", number, "mix"), event.mix


def read_plan(path: Path | str) -> Plan:
    """Read a plan. Raises OSError, and `TableErrors` with all its mistakes."""
    with Path(path).open("rb") as file:
        document = yaml12.load(file.read(yaml12.MAX_BYTES + 1), str(path))
    plan = convert(document, Plan)
    if problems := [Problem(document.place(where), message) for where, message in _mistakes(plan)]:
        raise TableErrors(problems)
    return plan


def _mistakes(plan: Plan) -> Iterator[tuple[Where, str]]:
    yield from _mistakes_of_rotation(plan)
    for number, event in enumerate(plan.events):
        yield from ((("events", number, *where), text) for where, text in _mistakes_of_event(plan, event))
    yield from _overlaps(plan)
    for where, mix in plan.mixes():
        yield from (((*where, *inner), text) for inner, text in _mistakes_of_mix(plan, mix))


def _mistakes_of_rotation(plan: Plan) -> Iterator[tuple[Where, str]]:
    if plan.rotation is None:
        return
    try:
        rotation_of(plan.rotation)
    except ValueError as error:
        yield ("rotation",), str(error)
        return
    if plan.duration_s / plan.rotation.every_s > MAX_PERIODS:
        yield ("rotation", "every_s"), f"a run has at most {MAX_PERIODS:,} keys"


def rotation_of(plan: RotationPlan) -> Rotation:
    """Return the mock IdP's own rotation; ValueError for one that cannot be."""
    return Rotation(plan.every_s, plan.overlap_s, plan.ahead_s)


def _mistakes_of_event(plan: Plan, event: Event) -> Iterator[tuple[Where, str]]:
    if event.end_s > plan.duration_s:
        yield ("for_s",), f"ends after {event.end_s:g} s, when the run of {plan.duration_s:g} s is over"
    if event.jwks is None and event.mix is None and event.rate is None:
        yield (), "an event says what is otherwise: jwks, mix or rate"
    if event.jwks is not None:
        try:
            parse_fault(event.jwks)
        except FaultError as error:
            yield ("jwks",), str(error)


def _overlaps(plan: Plan) -> Iterator[tuple[Where, str]]:
    for what in ("jwks", "mix", "rate"):
        numbered = [
            (event, number) for number, event in enumerate(plan.events) if getattr(event, what) is not None
        ]
        for (before, _), (after, number) in pairwise(sorted(numbered, key=lambda one: one[0].at_s)):
            if after.at_s < before.end_s:
                yield ("events", number), f"another event with '{what}' lasts until {before.end_s:g} s"


def _mistakes_of_mix(plan: Plan, mix: Mix) -> Iterator[tuple[Where, str]]:
    shares = mix.shares()
    if not shares:
        yield (), "nothing has a share"
    if plan.limits.forget_s is None and (shares.keys() & {"retired", "replayed"}):
        yield (), "'retired' and 'replayed' need limits.forget_s: how long a key may be trusted after it left"
    if "retired" in shares and plan.rotation is None:
        yield ("retired",), "no key ever retires without a rotation"
    for name in mix.forged:
        where = ("forged", name)
        if name not in FORGERIES:
            yield where, f"'{name}' is no forgery{nearest(name, FORGERIES)}"
            continue
        try:
            check_false(name, mix.argument(name), plan.alg)
        except Untrue as error:
            yield where, str(error)

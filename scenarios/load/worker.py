"""What one process of a run does, but for the sending: it makes tokens, judges answers, and keeps count."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scenarios.load.judging import judged, said_of
from scenarios.load.run_file import people
from scenarios.load.tally import MAX_EACH, MAX_TOKEN, Finding, Second, Tally, Worker
from scenarios.load.timeline import Timeline
from scenarios.load.tokens import GOOD, TokenSource
from scenarios.targets.http.door import request_of, verdict_of
from scenarios.targets.http.settings import all_endpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenarios.load.judging import Outcome
    from scenarios.load.run_file import Run
    from scenarios.load.tokens import Made
    from scenarios.targets.channel import ChannelFailure
    from scenarios.targets.http.connection import Address, Connection
    from scenarios.targets.protocol import HttpAnswer


_TOKEN: Final = "the.token.itself"  # noqa: S105 - stands for one


class Work:
    """The tokens and the tally of one process; `name` is its own among all workers."""

    def __init__(self, run: Run, name: str, address: Address, clock: Callable[[], float] = time.time) -> None:
        self.timeline = Timeline(run.plan, run.since)
        self.address = address
        self.timeout_s = run.plan.timeout_s
        self._name = name
        self._clock = clock
        self._endpoint = all_endpoints(run.target.http)[0]
        # Who found the user, and by which claim, is asked by scenarios; here it would cost a reading each.
        self._http = msgspec.structs.replace(run.target.http, mapped_by=None, fallback=None)
        request = request_of(self._http, self._endpoint, address.name, _TOKEN)
        self._before, _, self._after = request.partition(_TOKEN.encode())
        self._tokens = TokenSource(run, self.timeline, name, clock)
        self._kids = [key.kid for key in run.signing_keys()]
        self._subjects = {person.username: person.subject for person in people(run.plan)}
        self._tally = Tally()
        self._kept: dict[tuple[str, str], int] = {}
        self._sent = 0
        self._cpu: float | None = None

    def next(self) -> tuple[Made, bytes]:
        """Make a token, and the request that carries it."""
        made = self._tokens.next(self._clock())
        return made, self._before + made.token.encode() + self._after

    def answered(self, made: Made, answer: HttpAnswer, sent_at: float, milliseconds: float) -> Outcome:
        """Judge and count an answer; return what it was worth."""
        verdict = verdict_of(self._http, answer)
        outcome = judged(made, verdict, self._subjects.get(made.user or ""), self.timeline, sent_at)
        timed = milliseconds if made.kind == GOOD and outcome == "right" else None
        self._count(made, outcome, sent_at, timed)
        if outcome == "right":
            if made.kind == GOOD:
                self._tokens.accepted(made)
        elif outcome != "excused":
            self._keep(made, outcome, sent_at, said_of(verdict))
        return outcome

    def failed(self, made: Made, failure: ChannelFailure, sent_at: float) -> None:
        """Count a token to which no answer came."""
        self._count(made, "no_answer", sent_at, None)
        self._keep(made, "no_answer", sent_at, str(failure))

    def begin(self) -> None:
        """Count processor time from now on, when this was not said before: what came earlier was not the run."""
        if self._cpu is None:
            self._cpu = time.process_time()

    def take(self) -> Tally:
        """Hand over what is new."""
        tally, self._tally = self._tally, Tally()
        cpu = time.process_time()
        used = 0.0 if self._cpu is None else cpu - self._cpu
        until = round(max(0.0, min(self._clock(), self.timeline.end) - self.timeline.since), 1)
        tally.workers[self._name] = Worker(self._sent, used, until)
        self._sent = 0
        if self._cpu is not None:
            self._cpu = cpu
        return tally

    def interval_s(self, now: float) -> float:
        """Return how long it takes from one request of a connection to its next, for the rate of the plan."""
        rate = self.timeline.rate(now)
        return 0.0 if rate is None else self.timeline.plan.connections / rate

    def exchange(self, connection: Connection, request: bytes, deadline: float) -> HttpAnswer:
        """Send a request and return its answer. Raises `ChannelFailure`."""
        head_only = self._endpoint.method.upper() == "HEAD"
        return connection.exchange(request, head_only=head_only, deadline=deadline, timeout_s=self.timeout_s)

    def _count(self, made: Made, outcome: Outcome, sent_at: float, milliseconds: float | None) -> None:
        self._sent += 1
        second = math.floor(sent_at - self.timeline.since)
        self._tally.add(second, made.kind, outcome, milliseconds)

    def _keep(self, made: Made, outcome: Outcome, sent_at: float, said: str) -> None:
        name = (outcome, made.kind)
        self._kept[name] = self._kept.get(name, 0) + 1
        if self._kept[name] <= MAX_EACH:
            self._tally.findings.append(self._finding(made, outcome, sent_at, said))

    def _finding(self, made: Made, outcome: Outcome, sent_at: float, said: str) -> Finding:
        age = sent_at - self.timeline.starts(made.key)
        return Finding(
            outcome=outcome,
            kind=made.kind,
            at=round(sent_at, 3),
            at_s=round(sent_at - self.timeline.since, 3),
            token=made.token[:MAX_TOKEN],
            kid=self._kids[made.key],
            key_age_s=None if math.isinf(age) else round(age, 3),
            user=made.user,
            said=said[:300],
            worker=self._name,
        )


def plain(tally: Tally) -> str:
    """Return a tally as JSON text, as it travels from a worker to the master."""
    return msgspec.json.encode(tally).decode()


def from_plain(text: Any) -> Tally:
    """Read what `plain` wrote; msgspec.ValidationError for anything else."""
    return msgspec.json.decode(text, type=Tally)


def totals(tally: Tally) -> Mapping[str, int]:
    """Return how many answers there were of each `KIND/OUTCOME`."""
    return Second.of_all(tally.seconds.values()).counts

"""The locustfile of a load run: `locust -f locustfile.py --master`, `--worker`, `--processes N`, or alone.

The file of the run is named by TOUCHSTONE_LOAD or `--load-run`. A locustfile of one's own can take everything from
here: `from scenarios.load.locustfile import *`. The users ask until the run is over, and the process to which workers
report writes what all have seen beside the file of the run.
"""

from __future__ import annotations

import logging
import os
import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import gevent
import gevent.socket
import msgspec
from locust import LoadTestShape, User, events, task
from locust.runners import MasterRunner, WorkerRunner

from scenarios.load.run_file import ENVIRONMENT, LOOPBACK, RunFileError, read_run, tally_file
from scenarios.load.tally import Tally
from scenarios.load.worker import Work, from_plain, plain, totals
from scenarios.targets.channel import ChannelCrash, ChannelFailure, ChannelTimeout
from scenarios.targets.http.connection import Address, Connection

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from locust.env import Environment

    from scenarios.load.run_file import Run
    from scenarios.targets.protocol import HttpAnswer

__all__ = ["ApiUser", "UntilTheEnd"]

LOGGER = logging.getLogger("touchstone.load")
_RETRY_S: Final = 0.1
"""After a connection that failed; a target that is down must not be asked in a busy loop."""
_MADE_UP_S: Final = 1.0
"""A connection that is later than this does not hurry: a target that was slow for long is not flooded afterwards."""


class _Process:
    """The part that one process has in the run, as its command line said."""

    run: Run
    work: Work | None = None
    seen: Tally
    path: Path


@events.init_command_line_parser.add_listener
def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--load-run",
        metavar="FILE",
        env_var=ENVIRONMENT,
        include_in_web_ui=False,
        help="The file of the run, which `touchstone load PLAN --hold FILE` has written",
    )


@events.init.add_listener
def _init(environment: Environment, **_: Any) -> None:
    options: Any = environment.parsed_options
    _Process.path = Path(options.load_run or "")
    try:
        _Process.run = _run_named(options.load_run)
        address = _address(_Process.run, environment.host)
    except (OSError, RunFileError, ChannelFailure) as error:
        LOGGER.error("%s: %s", options.load_run or "--load-run", getattr(error, "strerror", None) or error)  # noqa: TRY400 - one line, no traceback
        logging.shutdown()
        os._exit(2)
    _Process.seen = Tally()
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        environment.events.worker_report.add_listener(_merge)
        return
    name = runner.client_id if isinstance(runner, WorkerRunner) else "local"
    _Process.work = Work(_Process.run, name, address)
    if isinstance(runner, WorkerRunner):
        environment.events.report_to_master.add_listener(_hand_over)


def _run_named(path: str | None) -> Run:
    if not path:
        raise RunFileError(f"name the file of the run: {ENVIRONMENT}=FILE or --load-run FILE")
    return read_run(Path(path))


def _address(run: Run, host: str | None) -> Address:
    """Return where the API is: as the run says, or as `--host` does, which alone leads away from this machine."""
    url = host or run.target.url
    if not host and urlsplit(url).hostname not in LOOPBACK and not run.target.named:
        raise RunFileError(f"{url} is no address of this machine: name the target by --host to load it")
    if run.target.ca_file is None:
        return Address.of(url, None)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(run.target.ca_file)
        file.flush()
        return Address.of(url, Path(file.name))


def _hand_over(client_id: str, data: dict[str, Any]) -> None:  # noqa: ARG001 - Locust's signature
    if _Process.work is not None:
        data["touchstone"] = plain(_Process.work.take())


def _merge(client_id: str, data: dict[str, Any]) -> None:
    try:
        _Process.seen.merge(from_plain(data["touchstone"]))
    except (KeyError, msgspec.MsgspecError):
        LOGGER.error("%s reports nothing of this run: is it started with the same locustfile?", client_id)  # noqa: TRY400 - one line, no traceback


@events.quitting.add_listener
def _quitting(environment: Environment, **_: Any) -> None:
    """Write what was seen, and say by the exit status whether it was right."""
    if isinstance(environment.runner, WorkerRunner) or environment.runner is None:
        return
    if _Process.work is not None:
        _Process.seen.merge(_Process.work.take())
    _write()
    wrong = sum(
        count
        for name, count in totals(_Process.seen).items()
        if name.rpartition("/")[2] not in {"right", "excused"}
    )
    environment.process_exit_code = 1 if wrong or not _Process.seen.seconds else 0


@events.quit.add_listener
def _quit(**_: Any) -> None:
    """Write it once more: under Locust's web pages the workers' last reports come after `quitting`."""
    if _Process.work is None and _Process.path.is_file():
        _write()


def _write() -> None:
    tally_file(_Process.path).write_bytes(msgspec.json.encode(_Process.seen))


class GreenConnection(Connection):
    """A connection that waits for its answer as gevent does best: its `select.poll` takes twice as long."""

    def _wait(self, deadline: float, timeout_s: float, *, writing: bool) -> None:
        rest = deadline - time.monotonic()
        if rest <= 0:
            raise ChannelTimeout(f"no answer within {timeout_s:g} s")
        wait = gevent.socket.wait_readwrite if writing else gevent.socket.wait_read
        try:
            wait(self._sock.fileno(), rest)
        except TimeoutError:
            return  # the next look at the clock says it


class UntilTheEnd(LoadTestShape):
    """The connections of the plan at every worker, until the run is over: so many workers, so many times the rate."""

    def tick(self) -> tuple[int, float] | None:
        """Say how many users all workers have together now; None ends the run."""
        if time.time() >= _Process.run.since + _Process.run.plan.duration_s:
            return None
        workers = self.runner.worker_count if isinstance(self.runner, MasterRunner) else 1
        users = _Process.run.plan.connections * max(1, workers)
        return users, float(users)


class ApiUser(User):
    """One client of the API: a kept connection over which tokens of many users come, one after the other."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._connection: GreenConnection | None = None
        self._due = 0.0

    def on_start(self) -> None:
        """Wait until the run begins; where there is a rate, the users begin one after the other."""
        work = _Process.work
        if work is None:
            return
        self._due = max(_Process.run.since, time.time())
        self._due += random.random() * work.interval_s(self._due)  # noqa: S311 - spreads load, keeps no secret
        gevent.sleep(max(0.0, _Process.run.since - time.time()))
        work.begin()
        gevent.sleep(max(0.0, self._due - time.time()))

    def on_stop(self) -> None:
        """Close the connection."""
        self._drop()

    def wait_time(self) -> float:
        """Return how long to wait (seconds), to keep to the rate of the plan: what was late is made up for."""
        now, work = time.time(), _Process.work
        if work is None:
            return _RETRY_S
        self._due = max(self._due + work.interval_s(now), now - _MADE_UP_S)
        return max(0.0, self._due - now)

    @task
    def ask(self) -> None:
        """Send one token, and judge what comes back."""
        work = _Process.work
        if work is None or time.time() >= work.timeline.end:
            gevent.sleep(_RETRY_S)
            return
        made, request = work.next()
        sent_at, begun = time.time(), time.perf_counter()
        deadline = time.monotonic() + work.timeout_s
        failure: Exception | None = None
        length = 0
        try:
            answer = self._exchange(work, request, deadline)
            milliseconds = (time.perf_counter() - begun) * 1000
            length = len(answer.body)
            outcome = work.answered(made, answer, sent_at, milliseconds)
            if outcome not in {"right", "excused"}:
                failure = WrongAnswer(outcome)
        except ChannelFailure as problem:
            milliseconds = (time.perf_counter() - begun) * 1000
            self._drop()
            work.failed(made, problem, sent_at)
            failure = problem
            gevent.sleep(_RETRY_S)
        self.environment.events.request.fire(
            request_type="token",
            name=made.kind,
            response_time=milliseconds,
            response_length=length,
            exception=failure,
            context={},
        )

    def _exchange(self, work: Work, request: bytes, deadline: float) -> HttpAnswer:
        """Send a request over the kept connection, or over a new one in its place."""
        connection = self._connection
        if connection is not None and connection.open and not connection.is_stale():
            try:
                return work.exchange(connection, request, deadline)
            except ChannelCrash:
                connection.close()  # RFC 9112 section 9.3.1: a server may do so at any time; it is sent again
        connection = self._connection = GreenConnection.to(work.address, deadline)
        return work.exchange(connection, request, deadline)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class WrongAnswer(Exception):  # noqa: N818 - Locust lists it by its name
    """The target answered, and not as it should have."""

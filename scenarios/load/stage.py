"""What stands around a run: the IdP, the target with its users, and the file from which the workers read all else."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from mock_idp.loopback_tls import loopback_tls
from mock_idp.serve import serve
from scenarios.load.idp import JWKS_PATH, PlannedIdP
from scenarios.load.run_file import LOOPBACK, Run, Target, make_keys, people, write_run
from scenarios.targets.channel import ChannelFailure
from scenarios.targets.http.channel import HttpChannel
from scenarios.targets.profile import TargetError
from scenarios.targets.protocol import HTTPS_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.load.plan import Plan
    from scenarios.targets.http.settings import Http
    from scenarios.targets.target_file import TargetSpec

_LEAST_S: Final = 3.0
"""So long before its beginning the file of a run is written at least: Locust has to start."""
_ONBOARD_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Staged:
    """A run that may begin."""

    run: Run
    idp: PlannedIdP


@contextmanager
def staged(
    plan: Plan, spec: TargetSpec, path: Path, *, host: str | None = None, start_in_s: float, port: int = 0
) -> Iterator[Staged]:
    """Serve the IdP (on a loopback port, 0 for a free one), start and onboard the target, and write the run's file.

    `host` is the address of a target that runs already. The run begins `start_in_s` from now, or when all is ready.
    Raises `TargetError` for a target that cannot be loaded, OSError for a file that cannot be written.
    """
    http = _http(spec, host)
    run = _run(plan, spec, http, time.time() + start_in_s, named=host is not None)
    idp = PlannedIdP(run)
    with ExitStack() as stack:
        tls, ca_file = None, None
        if HTTPS_ONLY in spec.profile.keys:
            import tempfile

            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="touchstone-load-")))
            certificate, key, ca_file = loopback_tls(folder)
            tls = certificate, key
        server = stack.enter_context(serve(idp, port=port, tls=tls))
        jwks_uri = server.url + JWKS_PATH
        channel = HttpChannel(
            http,
            folder=spec.folder,
            name=spec.name,
            algorithms=spec.profile.algorithms,
            start_s=spec.timeouts.start_s,
        )
        stack.callback(channel.close)
        url = _started(spec, channel, _message(run, jwks_uri, ca_file))
        begins = max(run.since, time.time() + _LEAST_S)
        run = msgspec.structs.replace(run, since=begins, target=msgspec.structs.replace(run.target, url=url))
        idp.follow(run)
        write_run(run, path)
        yield Staged(run, idp)


def _http(spec: TargetSpec, host: str | None) -> Http:
    http = spec.http
    if http is None:
        raise TargetError(
            "configuration", f"{spec.name}: load asks APIs over HTTP, and its adapter is {spec.adapter}"
        )
    if host is not None:
        return msgspec.structs.replace(http, url=host, start=None, reload=None, stop=None)
    for url in (http.url, http.admin.url if http.admin else None):
        if url is not None and urlsplit(url.replace("{port}", "1")).hostname not in LOOPBACK:
            raise TargetError(
                "configuration",
                f"{spec.name}: {url} is no address of this machine: name it with --host to load it",
            )
    return http


def _run(plan: Plan, spec: TargetSpec, http: Http, since: float, *, named: bool) -> Run:
    fixed = http.fixed
    ca_file = None
    if http.ca_file is not None:
        try:
            ca_file = (spec.folder / http.ca_file).read_text(encoding="ascii")
        except (OSError, UnicodeError) as error:
            raise TargetError(
                "configuration", f"{spec.name}: ca_file '{http.ca_file}' cannot be read: {error}"
            ) from None
    return Run(
        plan=plan,
        since=since,
        issuer=fixed.issuer if fixed else plan.issuer,
        audience=fixed.audience if fixed else plan.audience,
        keys=make_keys(plan),
        target=Target(name=spec.name, url=http.url, named=named, ca_file=ca_file, http=http),
    )


def _message(run: Run, jwks_uri: str, ca_file: Path | None) -> dict[str, Any]:
    integration = {
        "id": "load",
        "entity_id": f"{run.issuer}/entity",
        "idp_name": "Touchstone load",
        "issuer": run.issuer,
        "audience": run.audience,
        "sample_token": None,
        "algorithms": [run.plan.alg],
        "custom_claim": None,
        "leeway_s": run.plan.leeway_s,
        "jwks_uri": jwks_uri,
        "ca_file": None if ca_file is None else str(ca_file),
    }
    users = [
        {"name": person.username, "external_id": person.subject, "active": True, "claim": "sub"}
        for person in people(run.plan)
    ]
    return {"seq": 1, "cmd": "onboard", "integration": integration, "users": users}


def _started(spec: TargetSpec, channel: HttpChannel, message: dict[str, Any]) -> str:
    """Start and onboard the target, and return its address."""
    try:
        channel.open()
        answer = channel.ask(message, _ONBOARD_S)
    except ChannelFailure as failure:
        raise TargetError(failure.kind, f"{spec.name}: {failure}") from None
    if answer.get("verdict") != "onboarded":
        said = answer.get("detail") or answer.get("capability") or answer.get("about") or answer
        raise TargetError(
            "configuration", f"{spec.name} does not take the run's IdP: {answer.get('verdict')}, {said}"
        )
    return channel.url

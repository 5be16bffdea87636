"""`touchstone idp`: mock IdPs behind a real server, for people, for other languages and for containers."""

from __future__ import annotations

import errno
import gc
import json
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

from scenarios.cli.options import ANY_ADDRESS, LOOPBACK, MAX_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from mock_idp.config import ConfigError, IdpConfig
    from mock_idp.idp import MockIdP
    from mock_idp.key_supply import KeySupply

_INTERRUPTED = 130


class _Options(NamedTuple):
    """What the command line says."""

    port: int
    host: str
    https: bool
    ca_out: str | None
    tls_flaw: str | None
    personas: tuple[str, ...]
    issuer: str | None
    audience: str | None
    base_url: str | None
    people: int | None
    seed: int
    config: str | None
    state: str | None
    fixed_keys: bool
    admin: bool | None
    admin_token: str | None
    as_json: bool


@click.command("idp")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, MAX_PORT),
    default=0,
    help="The port; 0 (default) takes a free one.",
)
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="The address to listen on (127.0.0.1).")
@click.option("--https", is_flag=True, help="Serve HTTPS, with a certificate of a fresh throw-away CA.")
@click.option("--ca-out", metavar="FILE", help="Write the certificate of that CA here (PEM).")
@click.option(
    "--tls-flaw", metavar="FLAW", help="Give the certificate one flaw: expired, self_signed, wrong_host, …"
)
@click.option(
    "--persona", "personas", multiple=True, metavar="NAME", help="The IdP to be; several get a path each."
)
@click.option("--issuer", metavar="URL", help="The issuer, exactly as written.")
@click.option("--audience", metavar="TEXT", help="The `aud` of access tokens.")
@click.option("--base-url", metavar="URL", help="Where clients reach the server, if not where it listens.")
@click.option(
    "--people", type=click.IntRange(0, 10_000), metavar="N", help="Make so many people who can sign in."
)
@click.option("--seed", type=int, default=0, metavar="N", help="The seed that they are made from (0).")
@click.option(
    "--config", metavar="FILE", help="Issuers, keys, clients, people, rotation and faults, in YAML."
)
@click.option(
    "--state", metavar="FILE", help="Keep the keys here; processes with the same file serve the same keys."
)
@click.option("--fixed-keys", is_flag=True, help="Use the shipped test keys, which anybody can sign with.")
@click.option(
    "--admin/--no-admin", default=None, help="The console and its API; by default on loopback only."
)
@click.option("--admin-token", metavar="TEXT", help="What the admin API's callers must show.")
@click.option("--json", "as_json", is_flag=True, help="Write the ready line as JSON.")
def command(**values: Any) -> int:
    """Serve mock IdPs until SIGTERM or Ctrl-C.

    Prints one line, `touchstone idp: ready at URL`, once it answers. `URL/_health` says that it lives. `URL/_admin/` is
    the console, where keys are rotated, tokens made and faults set; from a shell,
    `curl -X POST URL/_admin/api/issuers/%2F/rotate` rotates the key of the issuer at the root.
    """
    gc.disable()  # until it answers: what is imported and made meanwhile stays
    options = _Options(**values)
    signal.signal(signal.SIGTERM, _stop)
    _check(options)
    from mock_idp.key_supply import KeySupply

    supply = KeySupply(fixed=options.fixed_keys)
    if (
        options.config is None
    ):  # it is known already which keys are needed: they are made while all else is imported
        supply.order([("RS256", 2048)] * max(1, len(options.personas)))
    return _serve(options, _config(options), supply)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """End at once: SIGTERM before the server runs is a clean stop too."""
    sys.exit(0)


def _check(options: _Options) -> None:
    if options.config and (
        options.personas or options.issuer or options.audience or options.people is not None
    ):
        raise click.UsageError("--config says all about issuers and people: leave --persona and the like out")
    if options.issuer and len(options.personas) > 1:
        raise click.UsageError("--issuer goes with one --persona: give several issuers by --config")
    if (options.ca_out or options.tls_flaw) and not options.https:
        raise click.UsageError("--ca-out and --tls-flaw go with --https")
    if options.admin and options.host not in LOOPBACK and not options.admin_token:
        raise click.UsageError("--admin on an address that others can reach needs --admin-token")
    if options.base_url is not None:
        from mock_idp.config import check_url

        try:
            check_url(options.base_url)
        except ValueError as error:
            raise click.UsageError(f"--base-url: {error}") from None
    if options.tls_flaw:
        from mock_idp.loopback_tls import TLS_FLAWS
        from scenarios.files.problems import nearest

        if options.tls_flaw not in TLS_FLAWS:
            raise click.UsageError(f"'{options.tls_flaw}' is no flaw{nearest(options.tls_flaw, TLS_FLAWS)}")


def _config(options: _Options) -> IdpConfig:
    from mock_idp.config import IdpConfig, IssuerConfig, PeopleConfig

    if options.config is not None:
        from scenarios.files.convert import convert

        return convert(_document(options.config), IdpConfig)
    names = options.personas or ("generic",)
    issuers = [
        IssuerConfig(
            path=f"/{name}" if len(names) > 1 else "",
            persona=name,
            issuer=options.issuer,
            audience=options.audience,
        )
        for name in names
    ]
    people = None if options.people is None else PeopleConfig(count=options.people, seed=options.seed)
    return IdpConfig(issuers=issuers, people=people)


def _document(path: str) -> Any:
    from scenarios.files import yaml12

    try:
        with Path(path).open("rb") as file:
            return yaml12.load(file.read(yaml12.MAX_BYTES + 1), path)
    except OSError as error:
        raise click.FileError(path, error.strerror or str(error)) from None


def _serve(options: _Options, config: IdpConfig, supply: KeySupply) -> int:
    from mock_idp.serve import listen, serve_forever, url_of, warm_up

    supply.order(
        (key.alg, key.bits) for issuer in config.issuers for key in issuer.wanted_keys if not key.fixed
    )
    warm_up()
    try:
        listener = listen(options.host, options.port)
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "; --port 0 takes a free one" if error.errno == errno.EADDRINUSE else ""
        raise click.UsageError(f"{options.host} port {options.port}: {reason}{hint}") from None
    with listener, _certificates(options) as tls:
        shown = "localhost" if options.host in ANY_ADDRESS else options.host
        url = options.base_url or url_of(listener, shown, secure=options.https)
        idp = _idp(options, config, url, supply)
        number = serve_forever(idp, listener, lambda: _ready(options, idp), tls)
    return _INTERRUPTED if number == signal.SIGINT else 0


@contextmanager
def _certificates(options: _Options) -> Iterator[tuple[Path, Path] | None]:
    """Give the certificate and key files of HTTPS, which go when the server does; None for HTTP."""
    if not options.https:
        yield None
        return
    import tempfile

    from mock_idp.loopback_tls import loopback_tls
    from scenarios.cli.options import write

    hosts = [] if options.host in LOOPBACK | ANY_ADDRESS else [options.host]
    flaw: Any = options.tls_flaw
    with tempfile.TemporaryDirectory(prefix="touchstone-idp-") as folder:
        certificate, key, ca = loopback_tls(Path(folder), flaw, hosts)
        if options.ca_out:
            write(options.ca_out, ca.read_bytes())
        yield certificate, key


def _idp(options: _Options, config: IdpConfig, url: str, supply: KeySupply) -> MockIdP:
    from mock_idp.config import ConfigError, build
    from mock_idp.idp import MockIdP

    try:
        if options.state is None:
            idp = MockIdP()
            build(config, idp, url=url, supply=supply)
        else:
            idp = _shared(options.state, config, url, supply)
    except ConfigError as error:
        raise _misfit(options, error) from None
    idp.admin = (
        options.host in LOOPBACK or bool(options.admin_token) if options.admin is None else options.admin
    )
    idp.admin_token = options.admin_token
    return idp


def _shared(path: str, config: IdpConfig, url: str, supply: KeySupply) -> MockIdP:
    from mock_idp.config import build
    from mock_idp.state import KeyFile, SharedIdP, StateError

    shared = SharedIdP(KeyFile(Path(path)))
    build(config, shared, url=url, supply=supply)
    try:
        shared.share()
    except StateError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.FileError(path, error.strerror or str(error)) from None
    return shared


def _misfit(options: _Options, error: ConfigError) -> Exception:
    """Say a mistake of the configuration where it was written."""
    if options.config is None:
        return click.UsageError(error.message)
    from scenarios.files.problems import Problem, TableErrors

    return TableErrors([Problem(_document(options.config).place(error.path), error.message)])


def _ready(options: _Options, idp: MockIdP) -> None:
    gc.freeze()
    gc.enable()
    if not options.as_json:
        click.echo(f"touchstone idp: ready at {idp.base_url}")
        return
    issuers = [
        {
            "path": path,
            "persona": issuer.persona.name,
            "issuer": issuer.issuer,
            "audience": issuer.audience,
            "metadata": f"{issuer.base_url}/.well-known/openid-configuration",
            "jwks_uri": f"{issuer.base_url}/jwks",
        }
        for path, issuer in idp.issuers.items()
    ]
    click.echo(
        json.dumps(
            {"ready": True, "url": idp.base_url, "admin": idp.admin, "ca": options.ca_out, "issuers": issuers}
        )
    )

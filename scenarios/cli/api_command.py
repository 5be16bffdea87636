"""`touchstone api`: the reference verifier as a protected API behind a real server."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from scenarios.cli.options import ANY_ADDRESS, MAX_PORT

if TYPE_CHECKING:
    from types import FrameType

    from scenarios.api_config import ConfigFile
    from verifier.api import Api, Registry
    from verifier.api.serve import Tls

LOGGER = logging.getLogger("verifier.configuration")
_INTERRUPTED = 130
_ADMIN_TOKEN = "TOUCHSTONE_ADMIN_TOKEN"  # noqa: S105 - the name of a variable
MIN_TOKEN_CHARS = 16


@dataclass(frozen=True, slots=True)
class _Options:
    """What the command line says."""

    port: int
    host: str
    config: str | None
    state: str | None
    admin_token: str | None
    admin_token_file: str | None
    tls_cert: str | None
    tls_key: str | None
    insecure_http: bool
    trusted_proxies: tuple[str, ...]
    quiet: bool
    as_json: bool


@click.command("api")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, MAX_PORT),
    default=0,
    help="The port; 0 (default) takes a free one.",
)
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="The address to listen on (127.0.0.1).")
@click.option("--config", metavar="FILE", help="The policy, integrations and users, in YAML or JSON.")
@click.option(
    "--state", metavar="FILE", help="Keep integrations and users in this SQLite file; processes may share it."
)
@click.option("--admin-token", metavar="TEXT", help="Opens the admin API to who shows this token.")
@click.option("--admin-token-file", metavar="FILE", help="The same, from the first line of a file.")
@click.option("--tls-cert", metavar="FILE", help="Serve HTTPS with this certificate chain (PEM).")
@click.option("--tls-key", metavar="FILE", help="The private key of --tls-cert (PEM).")
@click.option(
    "--insecure-http", is_flag=True, help="Take tokens over plain HTTP from anywhere; for tests only."
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    metavar="ADDRESS",
    help="A TLS proxy (address or network) whose X-Forwarded-Proto counts.",
)
@click.option("--quiet", is_flag=True, help="Log warnings and errors only.")
@click.option("--json", "as_json", is_flag=True, help="Write the ready line as JSON.")
def command(**values: Any) -> int:
    """Serve the reference verifier as a protected API until SIGTERM or Ctrl-C.

    Prints one line, `touchstone api: ready at URL`, once it answers. `GET /api/2.0/whoami` with a token says whom it
    stands for; logs go to stderr, one JSON object a line. The admin token may also stand in TOUCHSTONE_ADMIN_TOKEN.
    """
    options = _Options(**values)
    signal.signal(signal.SIGTERM, _stop)
    token = _admin_token(options)
    tls = _tls(options)
    _check_proxies(options)
    return _serve(options, token, tls)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """End at once: SIGTERM before the server runs is a clean stop too."""
    sys.exit(0)


def _admin_token(options: _Options) -> str | None:
    given = [source for source in (options.admin_token, options.admin_token_file) if source is not None]
    if len(given) > 1:
        raise click.UsageError("either --admin-token or --admin-token-file")
    token = options.admin_token if given else os.environ.get(_ADMIN_TOKEN)
    if options.admin_token_file is not None:
        try:
            with Path(options.admin_token_file).open(encoding="ascii") as file:
                token = file.readline(4096).strip()
        except (OSError, UnicodeDecodeError) as problem:
            reason = getattr(problem, "strerror", None) or "it is no text"
            raise click.FileError(options.admin_token_file, reason) from None
    if token is None or (not token and not given):
        return None
    if not token:
        what = f"'{options.admin_token_file}'" if options.admin_token_file is not None else "--admin-token"
        raise click.UsageError(f"{what} is empty: an admin token has at least {MIN_TOKEN_CHARS} characters")
    from verifier.bearer import CredentialRefused, bearer_token

    try:
        bearer_token([(b"authorization", b"Bearer " + token.encode())], b"", 4096)
    except CredentialRefused:
        raise click.UsageError("an admin token is made of letters, digits and - . _ ~ + /") from None
    if len(token) < MIN_TOKEN_CHARS:
        raise click.UsageError(f"an admin token has at least {MIN_TOKEN_CHARS} characters")
    return token


def _tls(options: _Options) -> Tls | None:
    if not options.tls_cert and not options.tls_key:
        return None
    if not options.tls_cert or not options.tls_key:
        raise click.UsageError("--tls-cert and --tls-key go together")
    from verifier.api.serve import Tls

    tls = Tls(Path(options.tls_cert), Path(options.tls_key))
    try:
        tls.check()
    except ValueError as fault:
        raise click.UsageError(str(fault)) from None
    return tls


def _check_proxies(options: _Options) -> None:
    import ipaddress

    for proxy in options.trusted_proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            raise click.UsageError(f"--trusted-proxy '{proxy}' is no address or network") from None


def _serve(options: _Options, token: str | None, tls: Tls | None) -> int:
    from mock_idp.serve import listen, url_of
    from verifier.api.serve import serve_forever

    _log_to_stderr(quiet=options.quiet)
    config = _config(options)
    try:
        listener = listen(options.host, options.port)
    except OSError as error:
        reason = error.strerror or str(error)
        busy = " (--port 0 takes a free one)" if error.errno == errno.EADDRINUSE else ""
        raise click.UsageError(f"{options.host} port {options.port}: {reason}{busy}") from None
    with listener:
        registry = _registry(options, config)
        try:
            app = _app(options, registry, token)
            shown = "localhost" if options.host in ANY_ADDRESS else options.host
            url = url_of(listener, shown, secure=tls is not None)
            number = serve_forever(app, listener, lambda: _ready(options, url, admin=token is not None), tls)
        finally:
            registry.close()
    return _INTERRUPTED if number == signal.SIGINT else 0


def _config(options: _Options) -> ConfigFile | None:
    if options.config is None:
        return None
    from scenarios.api_config import ConfigFile

    try:
        return ConfigFile(options.config)
    except OSError as error:
        raise click.FileError(options.config, error.strerror or str(error)) from None


def _registry(options: _Options, config: ConfigFile | None) -> Registry:
    """Make the registry: what the state holds, and over it what the configuration says."""
    from verifier.api import Registry, StateError, StateFile
    from verifier.verifier import Verifier

    verifier = Verifier(config.policy() if config else None)
    try:
        registry = Registry(verifier, StateFile(Path(options.state)) if options.state else None)
        registry.sync()
        for warning in config.onboard(registry) if config else ():
            LOGGER.warning("configuration", extra={"fields": {"detail": warning}})
    except StateError as error:
        raise click.UsageError(str(error)) from None
    return registry


def _app(options: _Options, registry: Registry, token: str | None) -> Api:
    from verifier.api import create_app

    return create_app(
        registry,
        admin_token=token,
        insecure_http=options.insecure_http,
        trusted_proxies=options.trusted_proxies,
    )


def _log_to_stderr(*, quiet: bool) -> None:
    from verifier.json_log import JsonFormatter

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("verifier").setLevel(logging.WARNING if quiet else logging.INFO)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # its warnings are what clients do


def _ready(options: _Options, url: str, *, admin: bool) -> None:
    if options.as_json:
        click.echo(json.dumps({"ready": True, "url": url, "admin": admin}))
    else:
        click.echo(f"touchstone api: ready at {url}")
    sys.stdout.flush()

"""`touchstone echo`: an upstream for a gateway under test, which answers what was passed on to it."""

from __future__ import annotations

import click

from scenarios.cli import EXIT_USAGE
from scenarios.cli.options import MAX_PORT


@click.command("echo")
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Where it listens.", show_default=True)
@click.option(
    "--port",
    default=0,
    type=click.IntRange(0, MAX_PORT),
    metavar="PORT",
    help="Its port; a free one by default.",
)
def command(host: str, port: int) -> int:
    """Answer every request with its method, path and headers as JSON, and the claims of its token, unverified.

    It stands behind a gateway that checks tokens and only proxies: see docs/targets.md. For tests alone.
    """
    from scenarios.targets.http.upstream import server

    try:
        made = server(host, port)
    except OSError as error:
        click.echo(f"touchstone echo: {host}:{port} cannot be had: {error.strerror or error}", err=True)
        return EXIT_USAGE
    with made:
        shown = f"[{host}]" if ":" in host else host
        click.echo(f"touchstone echo: ready at http://{shown}:{made.server_address[1]}")
        try:
            made.serve_forever(0.1)
        except KeyboardInterrupt:
            return 0
    return 0

"""`touchstone completion`: the script by which a shell completes commands, options, scenario ids and rules."""

from __future__ import annotations

import click

from scenarios.cli import cli


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script for a shell, for its start-up file: eval "$(touchstone completion bash)"."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"click completes nothing for {shell}")
    click.echo(made(cli, {}, "touchstone", "_TOUCHSTONE_COMPLETE").source())

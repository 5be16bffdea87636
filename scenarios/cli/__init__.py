"""The `touchstone` command: one module a command, imported when it runs, so that `--help` stays quick.

Exit status: 0 all as expected; 1 findings; 2 wrong usage, configuration or table; 3 the target could not be started
or spoke a broken protocol; 130 interrupted. No traceback reaches a user unless TOUCHSTONE_DEBUG is set.
"""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
from typing import TYPE_CHECKING, Final, NoReturn

import click

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

COMMANDS: Final = {
    "run": "Run scenarios against a target and report how it differs",
    "fuzz": "Look for cases that a target judges otherwise than the reference, or another target",
    "compare": "Show the results of several targets side by side, and where a chain disagrees",
    "merge": "Make one result of the shards of a run",
    "replay": "Ask a result of an earlier run again, and say whether it comes out the same",
    "list": "List the scenarios that there are",
    "show": "Explain one scenario: the rule, the token, what is expected and why",
    "export": "Write the scenarios that need no server as JSON vectors with a schema",
    "lint": "Check scenario tables and name every mistake with its place",
    "init": "Write a starter target in Python, Node or over HTTP, which runs at once",
    "check-target": "Check a target file: start it, ask the least, and say what to change",
    "echo": "Serve an upstream that answers what a gateway has passed on to it",
    "idp": "Serve mock IdPs over HTTP or HTTPS, with keys, tokens, faults and a console",
    "api": "Serve the reference verifier as a protected API, with an admin API and state",
    "verify": "Judge one token step by step, in words, for whoever debugs a 401",
    "load": "Put an API under load while keys rotate and the IdP fails, and judge every answer",
    "mint": "Print one token, honest or forged by name",
    "plan-rotation": "Simulate a key rotation before a fleet of verifiers, and tell the shortest safe one",
    "completion": "Print the script that completes commands, options and ids in your shell",
    "selftest": "Put the catalogue to the test: flawed verifiers, and which scenario finds each",
}
"""The commands and what each is for; its code is `scenarios.cli.<name>_command`, an underscore for a hyphen."""

EXIT_FINDINGS: Final = 1
EXIT_USAGE: Final = 2
EXIT_TARGET: Final = 3
EXIT_INTERRUPTED: Final = 130


class _Lazy(click.Group):
    """A group that imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"scenarios.cli.{cmd_name.replace('-', '_')}_command").command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from scenarios.files.problems import nearest

            ctx.fail(f"'{args[0]}' is no command{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="oidc-touchstone", prog_name="touchstone")
def cli() -> None:
    """Prove whether a token verifier tells true tokens from false ones.

    `touchstone run` tries the scenarios on the reference verifier; `touchstone run --target FILE` tries them on yours.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit status."""
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # no sign may stop a report in a narrower encoding
    sys.exit(_status(arguments))


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _status(arguments: Sequence[str] | None) -> int:
    given = tuple(sys.argv[1:] if arguments is None else arguments)  # reports show the command
    said_by = " ".join(["touchstone", *(word for word in given[:1] if word in COMMANDS)])
    try:
        result = cli.main(given, prog_name="touchstone", standalone_mode=False, obj=given)
    except click.ClickException as error:
        _show(error, said_by)
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo(f"{said_by}: interrupted", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        click.echo(f"{said_by}: the output cannot be written: {error.strerror or error}", err=True)
        return EXIT_USAGE
    except Exception as error:
        if os.environ.get("TOUCHSTONE_DEBUG"):
            raise
        return _explained(error, said_by)
    return result if isinstance(result, int) else 0


def _show(error: click.ClickException, said_by: str) -> None:
    """Say what is wrong in one line; click would put two more of usage above it."""
    if (
        type(error).__name__ == "NoArgsIsHelpError"
    ):  # click has it since 8.2, and its message is the whole help
        error.show()
        return
    if isinstance(error, click.FileError):
        click.echo(f"{said_by}: '{error.ui_filename}' cannot be opened: {error.message}", err=True)
        return
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else said_by
    # What click itself finds wrong is about an option, and its help tells what there is.
    hint = (
        f" ({path} --help)"
        if isinstance(error, click.UsageError) and type(error) is not click.UsageError
        else ""
    )
    click.echo(f"{path}: {' '.join(error.format_message().split())}{hint}", err=True)


def _explained(error: Exception, said_by: str) -> int:
    from scenarios.files.problems import TableErrors
    from scenarios.stage import StageError
    from scenarios.targets.profile import TargetError

    if isinstance(error, TableErrors):
        for problem in error.problems:
            click.echo(str(problem), err=True)
        return EXIT_USAGE
    if isinstance(error, TargetError):
        click.echo(f"{said_by}: {error.message}", err=True)
        return EXIT_USAGE if error.kind == "configuration" else EXIT_TARGET
    if isinstance(error, StageError):
        click.echo(str(error), err=True)
        return EXIT_USAGE
    text = " ".join(str(error).split())[:300]
    click.echo(
        f"touchstone: a fault of Touchstone itself, {type(error).__name__}: {text}\n"
        "Set TOUCHSTONE_DEBUG=1 to see where, and please report it.",
        err=True,
    )
    return EXIT_USAGE

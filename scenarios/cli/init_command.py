"""`touchstone init DIR`: a starter target that runs at once, for who wants to see one before writing one."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios.starters import Starter

_KINDS = ("python", "node", "http")
_KEYS = ("jwks_uri", "jwks", "certificates", "public_keys")
_KIND_ASKED = "What is asked: a Python function, a program in Node, or a running API over HTTP"
_KEYS_ASKED = "In what form does it take keys"
_URL_ASKED = "The URL of an endpoint that takes tokens (empty: a stand-in that runs at once)"
_ALGORITHMS_ASKED = "The signature algorithms that it takes, by commas"
_KEYS_DEFAULT, _ALGORITHMS_DEFAULT = "jwks", "RS256"
MAX_NAME = 80


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option("--kind", type=click.Choice(_KINDS), help="What is asked; with it, no question is put.")
@click.option(
    "--keys", type=click.Choice(_KEYS), help="The form in which it takes keys (python, node: jwks)."
)
@click.option("--algorithms", metavar="LIST", help="The signature algorithms, by commas (RS256).")
@click.option("--url", metavar="URL", help="An endpoint of a running API (http); else a stand-in is written.")
@click.option("--name", metavar="TEXT", help="The target's name in reports; else that of DIR.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
def command(
    folder: str,
    kind: str | None,
    keys: str | None,
    algorithms: str | None,
    url: str | None,
    name: str | None,
    force: bool,  # noqa: FBT001 - click passes flags so
) -> None:
    """Write a starter target into DIR: commented files that run at once, with a place for your own verifier.

    On a terminal it puts three questions; with --kind it puts none. `touchstone check-target` then says what has to be
    changed, and `touchstone run --target` asks the scenarios.
    """
    if kind is None:
        if not sys.stdin.isatty():
            raise click.UsageError("say what is asked: --kind python, node or http (no terminal to ask on)")
        kind = click.prompt(_KIND_ASKED, type=click.Choice(_KINDS), default="python")
        if kind == "http" and url is None:
            url = click.prompt(_URL_ASKED, default="", show_default=False)
        elif kind != "http" and keys is None:
            keys = click.prompt(_KEYS_ASKED, type=click.Choice(_KEYS), default=_KEYS_DEFAULT)
        if algorithms is None:
            algorithms = click.prompt(_ALGORITHMS_ASKED, default=_ALGORITHMS_DEFAULT)
    _check_fit(kind, keys, url)
    starter = _starter(
        kind=kind,
        name=_name(name, folder),
        keys="jwks_uri" if kind == "http" else keys or _KEYS_DEFAULT,
        algorithms=_algorithms(algorithms or _ALGORITHMS_DEFAULT),
        url=url or "",
    )
    _write(Path(folder), starter.files(), force=force)
    _say_what_is_next(folder, starter)


def _check_fit(kind: str, keys: str | None, url: str | None) -> None:
    if kind == "http" and keys not in {None, "jwks_uri"}:
        raise click.UsageError("--keys goes with python and node: over HTTP, keys come by a JWKS URL first")
    if url and kind != "http":
        raise click.UsageError("--url goes with --kind http")
    if url:
        from scenarios.starters import is_endpoint

        if not is_endpoint(url):
            raise click.UsageError(f"'{url}' is no URL of an endpoint, such as http://127.0.0.1:8080/api/me")


def _starter(*, kind: str, name: str, keys: str, algorithms: tuple[str, ...], url: str) -> Starter:
    from scenarios.starters import Starter

    return Starter(kind=kind, name=name, keys=keys, algorithms=algorithms, url=url)


def _name(name: str | None, folder: str) -> str:
    if name is None:
        return "".join(sign for sign in Path(folder).resolve().name if sign.isprintable())[:MAX_NAME]
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise click.UsageError(f"--name is a text of 1 to {MAX_NAME} characters, in one line")
    return name


def _algorithms(text: str) -> tuple[str, ...]:
    from scenarios.files.problems import nearest
    from scenarios.starters import ALGORITHMS

    words = tuple(dict.fromkeys(text.replace(",", " ").split()))
    for word in words:
        if word not in ALGORITHMS:
            raise click.UsageError(f"'{word}' is no algorithm of the starters{nearest(word, ALGORITHMS)}")
    if not words:
        raise click.UsageError("--algorithms names at least one, such as RS256")
    return words


def _write(folder: Path, files: Mapping[str, str], *, force: bool) -> None:
    """Write the files, all or none where one is there already."""
    there = [name for name in files if (folder / name).exists() or (folder / name).is_symlink()]
    if there and not force:
        raise click.UsageError(
            f"'{folder / there[0]}' is there already: name another folder, or --force to write over it"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise click.UsageError(f"'{error.filename or folder}' cannot be written: {reason}") from None


def _say_what_is_next(folder: str, starter: Starter) -> None:
    from scenarios.starters import TARGET

    for name in starter.files():
        click.echo(f"wrote {Path(folder) / name}")
    target = shlex.quote(str(Path(folder) / TARGET))
    click.echo("\nNext:")
    click.echo(f"  touchstone check-target {target}")
    click.echo(f"  touchstone run --target {target}")

"""`touchstone mint`: one token on stdout, honest or forged by name, for scripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from scenarios.cli.options import MOMENT

if TYPE_CHECKING:
    from mock_idp.draft import Draft
    from mock_idp.issuer import Issuer, TokenOptions

_KIND = click.Choice(["access", "id", "machine"])


@click.command("mint")
@click.option(
    "--persona", "persona_name", default="generic", metavar="NAME", help="The IdP that issues it (generic)."
)
@click.option("--user", default="ann", metavar="NAME", help="The user name of whom it is about (ann).")
@click.option("--kind", type=_KIND, help="The kind of token; by default what this IdP's APIs get.")
@click.option("--issuer", metavar="URL", help="The issuer, exactly as written.")
@click.option("--audience", metavar="TEXT", help="The audience.")
@click.option("--client", metavar="ID", help="The client that asked for it.")
@click.option(
    "--claim", "claims", multiple=True, metavar="K=V", help="A further claim: V as JSON, or else as text."
)
@click.option("--alg", default="RS256", metavar="ALG", help="The algorithm (RS256).")
@click.option(
    "--key",
    "key_names",
    multiple=True,
    default=("a",),
    metavar="NAME",
    help="The shipped test key that signs (a); more are published beside it.",
)
@click.option(
    "--forge", "forgeries", multiple=True, metavar="NAME[=ARG]", help="Make it false; ARG as JSON or text."
)
@click.option(
    "--now", type=MOMENT, metavar="SECONDS", help="When it is issued, since the epoch; by default now."
)
@click.option(
    "--lifetime", type=click.IntRange(-(10**10), 10**10), metavar="SECONDS", help="How long it lives."
)
def command(  # noqa: PLR0913 - one parameter an option
    *,
    persona_name: str,
    user: str,
    kind: str | None,
    issuer: str | None,
    audience: str | None,
    client: str | None,
    claims: tuple[str, ...],
    alg: str,
    key_names: tuple[str, ...],
    forgeries: tuple[str, ...],
    now: float | None,
    lifetime: int | None,
) -> None:
    """Print one token and nothing else.

    It is signed by a test key that ships with Touchstone (`touchstone idp --fixed-keys` publishes it). The same
    arguments with the same --now give the same token.
    """
    asked = {"kind": kind, "audience": audience, "client": client, "now": now, "lifetime_s": lifetime}
    given: Any = {name: value for name, value in asked.items() if value is not None}
    try:
        made = _issuer(persona_name, alg, key_names, issuer)
        token = _token(made, user, given, dict(map(_pair, claims)), forgeries)
    except (ValueError, OverflowError) as error:
        raise click.UsageError(str(error)) from None
    click.echo(token)


def _issuer(persona_name: str, alg: str, key_names: tuple[str, ...], issuer: str | None) -> Issuer:
    from mock_idp.fixed_keys import fixed_key
    from mock_idp.issuer import Issuer
    from mock_idp.keyring import KeyRing
    from mock_idp.personas import persona

    keys = [fixed_key(name, alg) for name in key_names]
    return Issuer(persona(persona_name), KeyRing(keys), issuer=issuer)


def _token(
    issuer: Issuer, user: str, asked: TokenOptions, claims: dict[str, Any], forgeries: tuple[str, ...]
) -> str | bytes:
    from mock_idp.forgeries import ForgeContext, ForgeryError, finish, forge
    from mock_idp.people import Person

    if not forgeries:
        return issuer.mint(Person.named(user), claims=claims, **asked)
    credential: Draft | str | bytes = issuer.draft(Person.named(user), **asked).with_claims(claims)
    for text in forgeries:
        name, _, argument = text.partition("=")
        value = _value(argument) if argument else None
        before = finish(credential)
        try:
            credential = forge(credential, name, value, context=ForgeContext.of(issuer))
        except ForgeryError as error:
            reason = str(error).removeprefix(f"{name}: ").removeprefix(f"{name} ")
            raise click.UsageError(f"--forge {name}: {reason}") from None
        if finish(credential) == before:
            raise click.UsageError(f"--forge {text[:200]}: it leaves the token as it was")
    return finish(credential)


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.UsageError(f"--claim takes NAME=VALUE, not '{text}'")
    return name, _value(value)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text

"""`touchstone verify`: one token judged step by step, for people who debug a 401."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import click

from scenarios.cli.options import MOMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from verifier import Fetch, User, Verifier
    from verifier.explain import Explanation

_MAX_BYTES = 1024 * 1024
_REJECTED = 1
_FILE_NAME = re.compile(r"(?!eyJ)\S*[/\\]\S*|[\w-]*\.\w{1,5}|[\w-]{1,15}")
"""What a person would call a file: it has a folder or a short ending, or is shorter than an opaque token."""
_TAKEN_HERE = "{} is taken here; `touchstone api` refuses it, unless its policy says {}: true"
_FILE_URL = "https://file.invalid/jwks"
"""Where a JWKS that was given as a file seems to come from; no such host can exist (RFC 6761 section 6.4)."""


class _Options(NamedTuple):
    """What the command line says."""

    token: str
    config: str | None
    issuer: str | None
    audience: str | None
    jwks: str | None
    ca_file: str | None
    certificates: tuple[str, ...]
    algorithms: tuple[str, ...]
    custom_claim: str | None
    users: tuple[str, ...]
    leeway: int
    now: float | None
    as_json: bool


@click.command("verify")
@click.argument("token")
@click.option(
    "--config", metavar="FILE", help="Policy, integrations and users, as `touchstone api` has them."
)
@click.option("--issuer", metavar="URL", help="The issuer that the API expects; by default the token's own.")
@click.option(
    "--audience", metavar="TEXT", help="The audience that the API expects; by default the token's own."
)
@click.option("--jwks", metavar="URL|FILE", help="The IdP's JWKS: its URL, or a file with it.")
@click.option("--ca-file", metavar="FILE", help="The only authorities to trust for that URL (PEM).")
@click.option(
    "--certificate",
    "certificates",
    multiple=True,
    metavar="[KID=]FILE",
    help="A certificate in place of a JWKS.",
)
@click.option("--alg", "algorithms", multiple=True, metavar="ALG", help="An algorithm that may sign (RS256).")
@click.option("--custom-claim", metavar="NAME", help="The claim that holds the External ID, in place of sub.")
@click.option("--user", "users", multiple=True, metavar="NAME=ID", help="A user with their External ID.")
@click.option(
    "--leeway",
    type=click.IntRange(0, 300),
    default=60,
    metavar="SECONDS",
    help="Tolerated clock difference.",
)
@click.option(
    "--now", type=MOMENT, metavar="SECONDS", help="Judge as of this time, since the epoch; by default now."
)
@click.option("--json", "as_json", is_flag=True, help="Write the steps and the verdict as JSON.")
def command(**values: Any) -> int:
    """Judge one TOKEN step by step, in words: which key, which check, which claim, which user.

    TOKEN is a token, a file with one, or - for standard input. Without --user, whoever would have the External ID is
    told. Exit status: 0 accepted, 1 rejected, 2 wrong usage. The token itself is never shown.
    """
    options = _Options(**values)
    token = _token(options.token)
    notes: list[str] = []
    explanation = _of_config(options, token) if options.config else _of_options(options, token, notes)
    (_write_json if options.as_json else _write)(explanation, notes)
    return 0 if explanation.identity else _REJECTED


def _token(given: str) -> str:
    """Return the token itself, without the white space that shells and editors put after it."""
    token, where = given, "TOKEN"
    if not given:
        pass
    elif given == "-":
        token, where = _text(sys.stdin.buffer), "standard input"
    elif len(given) < 4096 and (given.count(".") < 2 or "/" in given):
        path = Path(given)
        try:
            if path.is_dir():
                raise click.UsageError(f"'{given}' is a folder: give a token, a file with one, or -")
            if path.is_file():
                with path.open("rb") as file:
                    token, where = _text(file), f"'{given}'"
            elif _FILE_NAME.fullmatch(given):
                raise click.UsageError(f"'{given}' is no token, and there is no such file")
        except (OSError, ValueError) as problem:
            raise click.FileError(given, getattr(problem, "strerror", None) or "it cannot be read") from None
    if not token.strip():
        raise click.UsageError(f"{where} is empty: give a token, a file with one, or -")
    return token.strip()


def _text(file: BinaryIO) -> str:
    return file.read(_MAX_BYTES + 1).decode("utf-8", "surrogateescape")


def _clock(options: _Options) -> Callable[[], float]:
    now = options.now
    return time.time if now is None else lambda: now


def _of_config(options: _Options, token: str) -> Explanation:
    if any(
        (
            options.issuer,
            options.audience,
            options.jwks,
            options.certificates,
            options.custom_claim,
            options.users,
        )
    ):
        raise click.UsageError("--config says all about integrations: leave --issuer and the like out")
    from scenarios.api_config import ConfigFile
    from verifier import Verifier
    from verifier.api.registry import Registry
    from verifier.explain import explain

    try:
        config = ConfigFile(str(options.config))
    except OSError as problem:
        raise click.FileError(str(options.config), problem.strerror or "it cannot be read") from None
    if not config.names_integrations:
        raise click.UsageError(f"'{options.config}': no integrations in this file")
    verifier = Verifier(config.policy(), clock=_clock(options))
    for warning in config.onboard(Registry(verifier)):
        click.echo(f"touchstone verify: {warning}", err=True)
    return explain(verifier, token)


def _of_options(options: _Options, token: str, notes: list[str]) -> Explanation:
    """Judge by one integration that the options describe; for whoever has the External ID, if no user was given."""
    from verifier import User
    from verifier.explain import explain

    named = [_user(text) for text in options.users]
    claims = _claims(token)
    explanation = explain(_verifier(options, claims, named, notes), token)
    notes.extend(_leniency(options, explanation))
    if explanation.reason != "no_user" or named:
        return explanation
    claim = explanation.claim or "sub"
    notes.append("no --user was given: whoever has this External ID is accepted")
    anybody = User("whoever has it", str(claims.get(claim)), claim=claim, enrolled=claim != "sub")
    return explain(_verifier(options, claims, [anybody], []), token)


def _claims(token: str) -> Mapping[str, Any]:
    """Read the claims without trusting them, for what the options leave out; empty if there are none."""
    from verifier.compact import decode_object, split_compact
    from verifier.errors import TokenRejected

    try:
        return decode_object(split_compact(token, _MAX_BYTES).payload)
    except TokenRejected:
        return {}


def _user(text: str) -> User:
    from verifier import User

    name, found, external_id = text.partition("=")
    if not found or not name:
        raise click.UsageError(f"--user '{text}' is no NAME=EXTERNAL_ID")
    return User(name, external_id)


def _verifier(options: _Options, claims: Mapping[str, Any], users: list[User], notes: list[str]) -> Verifier:
    from verifier import OnboardingAsked, OnboardingRefused, Policy, Verifier
    from verifier.onboarding import IntegrationRecord

    # Nobody is let in by this command, and whoever asks it names the keys: local and test keys will do.
    policy = Policy(allow_local_jwks=True, allow_test_keys=True, leeway_s=options.leeway)
    jwks_uri, fetch = _jwks(options)
    verifier = Verifier(policy, clock=_clock(options), fetch=fetch)
    certificates = [_certificate(text) for text in options.certificates]
    record = IntegrationRecord(
        id="given",
        entity_id="urn:given",
        issuer=_or_the_tokens(options.issuer, claims, "iss", notes),
        audience=_or_the_tokens(options.audience, claims, "aud", notes),
        algorithms=list(options.algorithms) or ["RS256"],
        custom_claim=options.custom_claim,
        jwks_uri=jwks_uri,
        ca_file=options.ca_file,
        certificates=certificates,
        selected=[one.kid for one in certificates] if len(certificates) > 1 else None,
    )
    try:
        onboarded = verifier.onboard(record, users)
    except (OnboardingRefused, OnboardingAsked) as refused:
        raise click.UsageError(_in_options(refused)) from None
    notes.extend(onboarded.warnings)
    return verifier


def _leniency(options: _Options, explanation: Explanation) -> Iterator[str]:
    """Say what was taken here that `touchstone api` refuses unless its policy has the field."""
    from verifier.errors import quoted
    from verifier.fetch import is_local
    from verifier.keys import UnusableKey, check_not_shipped

    key = explanation.key
    if key is None:
        return
    if options.jwks and "://" in options.jwks and is_local(options.jwks):
        yield _TAKEN_HERE.format("a JWKS URL that is http or not public", "allow_local_jwks")
    try:
        check_not_shipped(key.material)
    except UnusableKey:
        name = "without kid" if key.kid is None else quoted(key.kid)
        yield _TAKEN_HERE.format(f"key {name}, a test key that ships with Touchstone,", "allow_test_keys")


def _in_options(refused: Exception) -> str:
    detail = str(getattr(refused, "detail", refused)).replace("ca_file", "--ca-file")
    field = getattr(refused, "field", None) or ""
    detail = detail.removeprefix(f"{field}: ").removeprefix(f"{field} ")
    option = {
        "jwks_uri": "--jwks", "certificates": "--certificate or --jwks", "issuer": "--issuer", "audience": "--audience",
        "custom_claim": "--custom-claim", "algorithms": "--alg", "users": "--user", "ca_file": "--ca-file",
    }.get(field, "")  # fmt: skip
    return f"{option}: {detail}" if option else detail or str(refused)


def _or_the_tokens(given: str | None, claims: Mapping[str, Any], claim: str, notes: list[str]) -> Any:
    if given is not None:
        return given
    value = claims.get(claim)
    value = value[0] if isinstance(value, list) and value else value
    option = {"iss": "--issuer", "aud": "--audience"}[claim]
    if not isinstance(value, str) or not value:
        return f"no-{claim}-given"
    notes.append(f"{option} was not given: the token's own {claim} is taken, which proves nothing")
    return value


def _jwks(options: _Options) -> tuple[str | None, Fetch | None]:
    """Return the URL of the JWKS, and what to fetch it with where it is a file."""
    given = options.jwks
    if given is None:
        if not options.certificates:
            raise click.UsageError(
                "name the IdP's keys: --jwks URL or FILE, --certificate FILE, or --config FILE"
            )
        return None, None
    if "://" in given:
        return given, None
    try:
        with Path(given).open("rb") as file:
            body = file.read(_MAX_BYTES + 1)
    except OSError as problem:
        raise click.FileError(given, problem.strerror or "it cannot be read") from None
    from verifier.fetch import FetchResult
    from verifier.keys import parse_jwks

    if len(body) > _MAX_BYTES:
        raise click.UsageError(f"--jwks '{given}': larger than {_MAX_BYTES} bytes")
    try:
        parse_jwks(body, allow_test_keys=True)
    except ValueError as fault:
        raise click.UsageError(f"--jwks '{given}': {fault}") from None

    def fetch(url: str, **bounds: object) -> FetchResult:  # noqa: ARG001 - what a file has no use for
        return FetchResult(200, {}, body)

    return _FILE_URL, fetch


def _certificate(text: str) -> Any:
    from verifier import CertificateFile

    kid, found, name = text.partition("=")
    if not found or Path(text).exists():
        kid, name = "", text
    try:
        with Path(name).open("rb") as file:
            return CertificateFile(kid or None, file.read(_MAX_BYTES + 1), Path(name).name)
    except OSError as problem:
        raise click.FileError(name, problem.strerror or "it cannot be read") from None


def _write(explanation: Explanation, notes: list[str]) -> None:
    wide = max(len(step.check) for step in explanation.steps)
    for step in explanation.steps:
        click.echo(f"{'ok' if step.passed else 'NO':<4}{step.check:<{wide + 2}}{step.says}")
        if step.advice:
            click.echo(f"{'':<{wide + 6}}{step.advice}")
    identity = explanation.identity
    for note in dict.fromkeys(notes):
        click.echo(f"note: {note}")
    click.echo(f"accepted: {identity.user}" if identity else f"rejected: {explanation.reason}")


def _write_json(explanation: Explanation, notes: list[str]) -> None:
    identity = explanation.identity
    user = {
        name: getattr(identity, name, None)
        for name in ("user", "external_id", "claim", "fallback", "integration", "kid")
    }
    steps = [
        {"check": step.check, "passed": step.passed, "says": step.says, "advice": step.advice}
        for step in explanation.steps
    ]
    verdict = {"kind": "accept", **user} if identity else {"kind": "reject", "reason": explanation.reason}
    click.echo(json.dumps({"verdict": verdict, "steps": steps, "notes": notes}, indent=1))

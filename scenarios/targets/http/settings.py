"""The `http` part of a target file, as types; the JSON Schema of target files is made from them. Nothing here acts."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.files.yaml12 import Path as Where

Doc = Meta

ISSUER: Final = "https://idp.example.com"
AUDIENCE: Final = "api"
"""Issuer and audience of a plain scenario: what a target with a fixed configuration is best given."""
_RANGE: Final = re.compile(r"([1-5])xx|([1-5]\d\d)(?:-([1-5]\d\d))?")


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping of a target file: unknown members are mistakes."""


Statuses = Annotated[tuple[int | str, ...], Doc(description="Statuses: 200, 2xx, 200-204")]


class Condition(_Strict, frozen=True, kw_only=True):
    """What must all hold of an answer; what is not said holds."""

    status: Statuses = ()
    header: Annotated[
        dict[str, str], Doc(description="By header: a regular expression that is found in a value of it")
    ] = {}
    json: Annotated[
        dict[str, Any], Doc(description="By JSON pointer (RFC 6901): the value that stands there")
    ] = {}
    body: Annotated[str | None, Doc(description="A regular expression that is found in the content")] = None


class Finder(_Strict, frozen=True, kw_only=True):
    """Where something stands in an answer: in a header, at a JSON pointer, or anywhere in the content."""

    header: Annotated[str | None, Doc(description="The name of a header")] = None
    json: Annotated[str | None, Doc(description="A JSON pointer (RFC 6901) into the content")] = None
    regex: Annotated[
        str | None,
        Doc(
            description="A regular expression of which the first group is it; of the content, or of what was found"
        ),
    ] = None
    decode: Annotated[
        Literal["base64url_json", "percent"] | None,
        Doc(
            description="base64url_json: base64url of JSON, as gateways pass claims on; percent: percent-encoded text"
        ),
    ] = None


class Endpoint(_Strict, frozen=True, kw_only=True):
    """One address of the API that takes tokens."""

    path: Annotated[str, Doc(description="Its path, and query where it has one")]
    method: Annotated[str, Doc(description="How it is asked")] = "GET"
    headers: Annotated[list[str], Doc(description="Header lines beside the credential")] = []
    body: Annotated[str | None, Doc(description="What is sent along")] = None


class Command(_Strict, frozen=True, kw_only=True):
    """A command of the target: words, no shell line; a first word `python` is the Python that runs Touchstone."""

    command: Annotated[
        list[str], Meta(min_length=1, description="Its words; {port} and {folder} are filled in")
    ]
    env: Annotated[dict[str, str], Doc(description="Environment variables on top of Touchstone's own")] = {}
    timeout_s: Annotated[float, Doc(description="How long it may take to end, where it should (seconds)")] = (
        10.0
    )


class Ready(_Strict, frozen=True, kw_only=True):
    """What is asked until the target is ready."""

    path: Annotated[str, Doc(description="The path that is asked, without a token")]
    status: Statuses = ("2xx",)


class Served(_Strict, frozen=True, kw_only=True):
    """Where the harness serves the JWKS of the scenario in hand, for a target that was given one URL for good."""

    port: Annotated[int, Meta(ge=1, le=65535, description="The port, on loopback")]
    path: Annotated[str, Doc(description="The path")] = "/jwks"
    tls: Annotated[bool, Doc(description="Whether over https, by a certificate of a CA of its own")] = False
    ca_file: Annotated[
        str | None, Doc(description="Where that CA's certificate is written (PEM), before the target starts")
    ] = None


class Fixed(_Strict, frozen=True, kw_only=True):
    """A target that its operator has configured: one integration, whose keys alone change."""

    issuer: Annotated[str, Doc(description="The issuer that it was given")] = ISSUER
    audience: Annotated[str, Doc(description="The audience that it was given")] = AUDIENCE
    algorithms: Annotated[
        list[str], Doc(description="The algorithms that it was given; those of the profile when not said")
    ] = []
    custom_claim: Annotated[
        str | None, Doc(description="The custom claim by which it was told to find users; else `sub` alone")
    ] = None
    max_keys: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Doc(description="The most keys that it can be given at once, such as 1 for one file"),
    ] = None
    jwks: Annotated[Served | None, Doc(description="Where the harness serves the JWKS")] = None
    files: Annotated[
        dict[str, str],
        Doc(
            description="Files that are written into {folder} before each start or reload, by name: their text, or"
            " @NAME for a template beside the target file; ${jwks}, ${public_keys}, ${certificates}, ${issuer},"
            " ${audience}, ${algorithms}, ${custom_claim}, ${leeway_s}, ${port} and ${folder} are filled in"
        ),
    ] = {}


class Call(_Strict, frozen=True, kw_only=True):
    """One request to an admin API. In its texts {id}, {thumbprint} and {url} are filled in."""

    method: str = "POST"
    path: str
    headers: Annotated[list[str], Doc(description="Header lines, such as Authorization: Bearer SECRET")] = []
    json: Annotated[
        Any,
        Doc(
            description="The content; a text that is {integration}, {users} or {integration.issuer} is that value"
        ),
    ] = msgspec.UNSET
    done: Annotated[Condition, Doc(description="What means that it is done")] = Condition(status=("2xx",))


class Admin(_Strict, frozen=True, kw_only=True):
    """A target whose integrations are set up over an admin API."""

    url: Annotated[str | None, Doc(description="Where it is, when not at the API's own url")] = None
    onboard: Annotated[list[Call], Meta(min_length=1, description="What sets an integration up, in order")]
    offboard: Annotated[list[Call], Doc(description="What removes one")] = []
    reset: Annotated[list[Call], Doc(description="What forgets all of them")] = []
    purge: Annotated[list[Call], Doc(description="What takes a key out at once")] = []
    refused: Annotated[
        Condition | None,
        Doc(description="What means that a record is refused, for a target with `onboarding`"),
    ] = None
    reason: Annotated[
        Finder | None, Doc(description="Where the reason of that stands, a word of the list")
    ] = None
    asked: Annotated[Condition | None, Doc(description="What means that the customer has to choose")] = None
    about: Annotated[Finder | None, Doc(description="Where it stands what about")] = None
    warnings: Annotated[Finder | None, Doc(description="Where the list of warnings stands")] = None


class Http(_Strict, frozen=True, kw_only=True):
    """How a running API is reached, and what its answers mean."""

    url: Annotated[str, Doc(description="Where it listens: http://127.0.0.1:{port}, {port} being a free one")]
    ca_file: Annotated[str | None, Doc(description="The CA to trust for https (PEM)")] = None
    endpoints: Annotated[
        list[str | Endpoint], Meta(min_length=1, description="The addresses that take tokens")
    ]
    credential: Annotated[str, Doc(description="The header line that carries a token")] = (
        "Authorization: Bearer {token}"
    )
    connection: Annotated[
        Literal["keep-alive", "fresh"], Doc(description="Whether a connection serves many requests, or one")
    ] = "keep-alive"
    accept: Annotated[Condition, Doc(description="What means that a token was accepted")] = Condition(
        status=("2xx",)
    )
    reject: Annotated[Condition, Doc(description="What means that it was rejected")] = Condition(
        status=(401,)
    )
    user: Annotated[Finder | None, Doc(description="Where the user of an accepted token stands")] = None
    claims: Annotated[Finder | None, Doc(description="Where all claims stand, as one JSON object")] = None
    claim: Annotated[
        dict[str, Finder],
        Doc(description="Where each claim stands, by its name, for claims in several places"),
    ] = {}
    mapped_by: Annotated[
        Finder | None, Doc(description="Where the claim stands that found the user (audit)")
    ] = None
    fallback: Annotated[Finder | None, Doc(description="Where it stands whether that was the fallback")] = (
        None
    )
    start: Annotated[Command | None, Doc(description="What starts it; without one it is running already")] = (
        None
    )
    ready: Annotated[Ready | None, Doc(description="What tells that it is ready")] = None
    reload: Annotated[Command | None, Doc(description="What lets it read its keys and files anew")] = None
    stop: Annotated[
        Command | None, Doc(description="What stops it; with one, `start` may end while the target runs on")
    ] = None
    fixed: Annotated[Fixed | None, Doc(description="It has one configuration for good")] = None
    admin: Annotated[Admin | None, Doc(description="It is set up over an admin API")] = None


def all_endpoints(http: Http) -> tuple[Endpoint, ...]:
    """Return the endpoints, a bare path as one that is asked with GET."""
    return tuple(Endpoint(path=one) if isinstance(one, str) else one for one in http.endpoints)


@lru_cache(maxsize=1024)
def is_one_of(status: int, statuses: tuple[int | str, ...]) -> bool:
    """Whether a status is among those that a file lists."""
    for item in statuses:
        found = _RANGE.fullmatch(str(item))
        if found is None:
            continue
        if found[1] and status // 100 == int(found[1]):
            return True
        if found[2] and int(found[2]) <= status <= int(found[3] or found[2]):
            return True
    return False


def mistakes(http: Http) -> Iterator[tuple[Where, str]]:
    """Yield what is wrong with the part beyond its types, each with its place."""
    if (http.fixed is None) == (http.admin is None):
        yield (
            (),
            "a target over HTTP says either 'fixed' (it was configured by hand) or 'admin' (how it is set up)",
        )
    if http.user is None and http.claims is None and not http.claim:
        yield (
            (),
            "say where the identity stands: user, or claims, such as user: {json: /user} or {header: X-User}",
        )
    yield from _mistakes_of_url(("url",), http.url)
    if http.admin is not None and http.admin.url is not None:
        yield from _mistakes_of_url(("admin", "url"), http.admin.url)
    if "{token}" not in http.credential or ":" not in http.credential:
        yield ("credential",), "a header line with {token} in it, such as 'Authorization: Bearer {token}'"
    for index, endpoint in enumerate(all_endpoints(http)):
        if not endpoint.path.startswith("/"):
            yield ("endpoints", index), "a path begins with /"
    for where, part in _parts(http, ()):
        yield from ((where, message) for message in _mistakes_of_part(part))


def _mistakes_of_url(where: Where, url: str) -> Iterator[tuple[Where, str]]:
    parts = urlsplit(url.replace("{port}", "1"))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        yield where, f"'{url}' is no address such as http://127.0.0.1:8080 (paths stand under endpoints)"


def _parts(value: Any, where: Where) -> Iterator[tuple[Where, Any]]:
    if isinstance(value, msgspec.Struct):
        yield where, value
        for name in value.__struct_fields__:
            yield from _parts(getattr(value, name), (*where, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _parts(item, (*where, index))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _parts(item, (*where, name))


def _mistakes_of_part(part: Any) -> Iterator[str]:
    match part:
        case Condition():
            yield from _mistakes_of_statuses(part.status)
            yield from _mistakes_of_patterns([*part.header.values(), part.body])
            yield from _mistakes_of_pointers(list(part.json))
            if part == Condition():
                yield "a condition says status, header, json or body"
        case Finder():
            yield from _mistakes_of_patterns([part.regex])
            yield from _mistakes_of_pointers([part.json])
            if part.regex is not None and not _groups(part.regex):
                yield f"'{part.regex}' has no group ( ) that holds what is looked for"
            if (part.header, part.json, part.regex) == (None, None, None) or (part.header and part.json):
                yield "say one of header and json, or regex alone for the content"
        case Ready():
            yield from _mistakes_of_statuses(part.status)


def _mistakes_of_statuses(statuses: tuple[int | str, ...]) -> Iterator[str]:
    for item in statuses:
        if not _RANGE.fullmatch(str(item)):
            yield f"'{item}' is no status: 200, 2xx or 200-204"


def _mistakes_of_patterns(patterns: list[str | None]) -> Iterator[str]:
    for pattern in patterns:
        try:
            re.compile(pattern or "")
        except re.error as error:
            yield f"'{pattern}' is no regular expression: {error}"


def _mistakes_of_pointers(pointers: list[str | None]) -> Iterator[str]:
    for pointer in pointers:
        if pointer and not pointer.startswith("/"):
            yield f"'{pointer}' is no JSON pointer (RFC 6901): it begins with /, such as /user/name"


def _groups(pattern: str) -> int:
    try:
        return re.compile(pattern).groups
    except re.error:
        return 1  # that it is none is said already

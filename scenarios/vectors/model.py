"""The exported files as types: their JSON Schemas are made from this module.

Names are those of the target protocol (`docs/protocol.md`) and of the tables, so that one word means one thing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scenarios.tables.model import Doc

FORMAT = 1
"""The version of the format; a change that breaks readers makes it greater."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One right answer."""

    kind: Annotated[
        Literal["accept", "reject", "onboarded", "warned", "unwarned", "refused", "asked"],
        Doc(
            description="What a right verifier does; warned is onboarded with a warning, unwarned without any"
        ),
    ]
    user: Annotated[str | None, Doc(description="Of an accept: the name of the user that it is for")] = None
    reasons: Annotated[
        tuple[str, ...],
        Doc(description="Of a no: the words for why, any of them; none when any reason is right"),
    ] = ()


class Expected(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is right: any one of some answers, or a choice of them by a declared policy."""

    any_of: Annotated[
        tuple[Answer, ...],
        Meta(min_length=1),
        Doc(description="The right answers; where a knob decides, those under its default value"),
    ]
    knob: Annotated[
        str | None, Doc(description="The policy that decides, see `knobs` of the index; none when not there")
    ] = None
    by_value: Annotated[
        dict[str, Expected],
        Doc(description="What is right by the value of the knob; another knob may decide further"),
    ] = {}


class JsonWebKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A JSON Web Key Set (RFC 7517 section 5)."""

    keys: Annotated[list[Any], Doc(description="The entries, good ones and odd ones, as an IdP serves them")]


class Upload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One file that the customer uploads."""

    kid: Annotated[str | None, Doc(description="The key id that the customer gives with it")]
    name: Annotated[str | UnsetType, Doc(description="The file's name")] = UNSET
    pem: Annotated[
        str | UnsetType, Doc(description="Its content: a PEM file, when it is what it should be")
    ] = UNSET
    pem_base64: Annotated[
        str | UnsetType, Doc(description="Its content in base64, in place of pem, when that is no UTF-8 text")
    ] = UNSET


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a customer sends to onboard an IdP. The customer may get any of it wrong, so most is of any type."""

    id: Annotated[str, Doc(description="Names the integration; the same id replaces it")]
    entity_id: Annotated[Any, Doc(description="The IdP's entity id")] = UNSET
    idp_name: Annotated[Any, Doc(description="The IdP's name for people")] = UNSET
    issuer: Annotated[Any, Doc(description="The issuer that tokens must name, character for character")] = (
        UNSET
    )
    audience: Annotated[Any, Doc(description="The audience that tokens must name")] = UNSET
    sample_token: Annotated[
        Any, Doc(description="A token from which issuer and audience are taken when they are not sent")
    ] = UNSET
    sample_token_base64: Annotated[
        str | UnsetType, Doc(description="The same in base64, when it is no UTF-8 text")
    ] = UNSET
    algorithms: Annotated[Any, Doc(description="The allowed signature algorithms (RFC 7518 section 3.1)")] = (
        UNSET
    )
    custom_claim: Annotated[
        Any, Doc(description="The claim that finds the user when it has a value; else sub does")
    ] = UNSET
    leeway_s: Annotated[Any, Doc(description="The leeway for exp, nbf and iat (seconds)")] = UNSET
    jwks: Annotated[
        JsonWebKeys | UnsetType, Doc(description="The keys, as a JSON Web Key Set (RFC 7517 section 5)")
    ] = UNSET
    certificates: Annotated[
        list[Upload] | UnsetType, Doc(description="The keys, as X.509 certificates with a kid each")
    ] = UNSET
    selected: Annotated[
        Any, Doc(description="The kids of the certificates that were chosen; null: no choice was made")
    ] = UNSET
    public_keys: Annotated[
        list[Upload] | UnsetType, Doc(description="The keys, as bare public keys with a kid each")
    ] = UNSET
    ca_file: Annotated[UnsetType | None, Doc(description="Always null: nothing is fetched")] = UNSET


class User(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One user of the API."""

    name: Annotated[str, Doc(description="The name that `expect` uses")]
    external_id: Annotated[str | None, Doc(description="What a token must say to mean this user")]
    active: Annotated[bool, Doc(description="Whether the user may sign in")]
    claim: Annotated[
        str, Doc(description="The claim that the External ID is of, for a verifier that keeps them apart")
    ]


class OnboardStep(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="do", tag="onboard"
):
    """Give the verifier an integration and its users, in place of what it had under the same id."""

    now: Annotated[int | float, Doc(description="The time at which it happens (seconds since the epoch)")]
    integration: Annotated[
        Record, Doc(description="The record; every form of keys in it holds the same keys")
    ]
    users: Annotated[list[User], Doc(description="The users of the integration")]
    expect: Annotated[Expected, Doc(description="What is right")]


class OffboardStep(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="do", tag="offboard"
):
    """Take an integration away."""

    now: Annotated[int | float, Doc(description="The time at which it happens (seconds since the epoch)")]
    id: Annotated[str, Doc(description="The id of the integration")]


class AuthenticateStep(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="do", tag="authenticate"
):
    """Ask for whom a token stands."""

    now: Annotated[int | float, Doc(description="The time at which it happens (seconds since the epoch)")]
    token: Annotated[str | UnsetType, Doc(description="The token, exactly as it stands behind `Bearer `")] = (
        UNSET
    )
    token_base64: Annotated[
        str | UnsetType, Doc(description="The same in base64, in place of token, when it is no UTF-8 text")
    ] = UNSET
    times: Annotated[int, Doc(description="How often it is sent, each time with the same answer")] = 1
    endpoint: Annotated[
        int, Doc(description="2: ask another instance of the API, which shares the integrations")
    ] = 1
    expect: Annotated[Expected, Doc(description="What is right")]


class RuleRef(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that a vector tests; the index says it in full."""

    id: Annotated[str, Doc(description="The rule's id, such as MAP-014")]
    level: Annotated[Literal["MUST", "SHOULD", "MAY", "policy"], Doc(description="How strongly it binds")]
    basis: Annotated[
        Literal["rfc", "bcp", "idp", "seed", "system", "hardening"],
        Doc(description="By what authority; `bases` of the index says what each word means"),
    ]
    source: Annotated[str, Doc(description="The texts that it rests on")]


class Vector(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One situation and the answers that are right in it."""

    id: Annotated[str, Doc(description="Never used again for something else")]
    says: Annotated[str, Doc(description="The fact that it tests, in one sentence")]
    scope: Annotated[
        Literal["library", "service", "system"],
        Doc(
            description="Whom it can be asked: library: a function; service: an API; system: with onboarding"
        ),
    ]
    rules: Annotated[
        tuple[RuleRef, ...],
        Meta(min_length=1),
        Doc(
            description="The rule under test first, whose level and basis are the vector's; then those touched"
        ),
    ]
    requires: Annotated[
        tuple[str, ...],
        Doc(
            description="What a verifier must be able to do: alg:ES256, clock, users, onboarding, check:aud, …"
        ),
    ] = ()
    control: Annotated[
        str | None,
        Doc(description="Of a no: the vector that differs in the tested fault alone and must be accepted"),
    ] = None
    audit: Annotated[
        dict[str, Any], Doc(description="What the record of an accepted token must say: mapped_by, fallback")
    ] = {}
    advisories: Annotated[
        tuple[str, ...], Doc(description="Published advisories of verifiers that got this wrong")
    ] = ()
    note: Annotated[str | None, Doc(description="A remark for readers")] = None
    steps: Annotated[
        tuple[OnboardStep | OffboardStep | AuthenticateStep, ...],
        Meta(min_length=1),
        Doc(description="What happens, in order, starting from a verifier that knows no integration"),
    ]


class VectorFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of vectors: those of one group."""

    group: Annotated[str, Doc(description="The group, which is the beginning of each id")]
    title: Annotated[str, Doc(description="What the group shows, in one sentence")]
    vectors: Annotated[tuple[Vector, ...], Meta(min_length=1), Doc(description="The vectors")]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One vector in the index."""

    id: Annotated[str, Doc(description="The vector's id")]
    file: Annotated[str, Doc(description="The file that holds it, below the folder of the index")]
    rule: Annotated[str, Doc(description="The id of the rule under test")]
    level: Annotated[str, Doc(description="The level of that rule")]
    scope: Annotated[str, Doc(description="The scope of that rule")]


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Scenarios that are no static vectors, for one reason."""

    reason: Annotated[str, Doc(description="Why they cannot be written down as data alone")]
    count: Annotated[int, Doc(description="How many")]
    ids: Annotated[tuple[str, ...], Doc(description="Which")]


class RuleText(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule in full."""

    level: Annotated[str, Doc(description="MUST, SHOULD, MAY or policy")]
    basis: Annotated[str, Doc(description="By what authority it binds")]
    scope: Annotated[str, Doc(description="The smallest kind of verifier that can be asked it")]
    statement: Annotated[str, Doc(description="What it asks")]
    source: Annotated[str, Doc(description="The texts that it rests on; `sources` explains the short keys")]
    bug: Annotated[str, Doc(description="A mistake in a verifier that it would catch")]
    note: Annotated[str, Doc(description="Why its level is what it is")] = ""


class KnobText(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A policy that the standards leave open."""

    about: Annotated[str, Doc(description="The situation that it decides")]
    values: Annotated[tuple[str, ...], Doc(description="What it may be; the default stands first")]
    library: Annotated[
        Literal["any", "default", "caller", "none"],
        Doc(description="What a library that declares nothing is held to: any of the values, or the default"),
    ]
    floor: Annotated[str, Doc(description="What no value takes away")] = ""


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """The time at which every vector starts."""

    seconds: Annotated[int, Doc(description="Seconds since 1970-01-01T00:00:00Z")]
    utc: Annotated[str, Doc(description="The same as text")]


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """What an export holds, and what it leaves out."""

    format: Annotated[int, Doc(description="The version of this format")]
    version: Annotated[str, Doc(description="The version of Touchstone that wrote it")]
    clock: Annotated[Clock, Doc(description="The time at which every vector starts")]
    count: Annotated[int, Doc(description="How many vectors there are")]
    vectors: Annotated[tuple[Listed, ...], Doc(description="The vectors, in the order of the tables")]
    left_out_count: Annotated[int, Doc(description="How many scenarios are left out")]
    left_out: Annotated[tuple[LeftOut, ...], Doc(description="The scenarios that are left out, by reason")]
    rules: Annotated[dict[str, RuleText], Doc(description="The rules that the vectors name, by id")]
    knobs: Annotated[dict[str, KnobText], Doc(description="The knobs that the vectors name, by name")]
    bases: Annotated[dict[str, str], Doc(description="What each basis means")]
    sources: Annotated[dict[str, str], Doc(description="What the short keys in sources stand for")]
    reasons: Annotated[dict[str, str], Doc(description="What each word for why means")]


def _schema(type_: type, title: str) -> dict[str, Any]:
    return {"$schema": DIALECT, "title": title, **msgspec.json.schema(type_)}


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schemas (draft 2020-12) by the name of the file that each is written to."""
    return {
        "vectors.schema.json": _schema(VectorFile, "Touchstone vectors of one group"),
        "index.schema.json": _schema(Index, "The index of Touchstone vectors"),
    }

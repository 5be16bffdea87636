"""The table format as types: what a scenario file may hold. The JSON Schema is made from this module.

These are the words as an author writes them; `load.py` resolves them into a `Scenario`. Nothing here knows of files,
targets or the mock IdP.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Doc = Meta  # `Annotated[type, Doc(description="…")]` puts the sentence into the JSON Schema


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A mapping of a table: unknown members are mistakes."""


KeyForm = Literal["jwks_uri", "jwks", "certificates", "public_keys"]
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]  # fmt: skip


class CertificateSpec(Strict, frozen=True, kw_only=True):
    """One uploaded file of an onboarding request."""

    key: Annotated[str | None, Doc(description="The key whose certificate it is: a to f, attacker")] = None
    kid: Annotated[
        str | UnsetType | None, Doc(description="The kid given with it; the key's name by default")
    ] = UNSET
    bundle: Annotated[
        Annotated[list[str], Meta(min_length=1)] | None,
        Doc(description="One PEM file with the certificates of these keys"),
    ] = None
    form: Annotated[
        str, Doc(description="How it is written: pem, der, crlf, bom, bag_attributes, private_key, csr, …")
    ] = "pem"
    name: Annotated[str | None, Doc(description="The file's name, such as signing.cer")] = None
    text: Annotated[str | None, Doc(description="The file's whole content, in place of a certificate")] = None
    not_before: Annotated[str | None, Doc(description="Start of validity, relative to now, such as -1d")] = (
        None
    )
    not_after: Annotated[str | None, Doc(description="End of validity, relative to now, such as +1d")] = None


class JwkSpec(Strict, frozen=True, kw_only=True):
    """One entry of a hand-made JWKS."""

    key: Annotated[str | None, Doc(description="The key that the entry publishes: a to f, attacker")] = None
    alg: Annotated[Algorithm | None, Doc(description="The kind of key; the integration's by default")] = None
    members: Annotated[dict[str, Any], Doc(description="Members to set, or to remove with !absent")] = {}
    raw: Annotated[Any, Doc(description="The entry itself, when it is no key of ours")] = UNSET
    private: Annotated[bool, Doc(description="Publish the private members too")] = False


class TokenSpec(Strict, frozen=True, kw_only=True):
    """How a token is made. What is not said is honest."""

    persona: Annotated[str | None, Doc(description="The IdP dialect, such as generic, entra-v2 or okta")] = (
        None
    )
    user: Annotated[
        str | None, Doc(description="The user whose External ID goes into sub; the first user by default")
    ] = None
    of: Annotated[
        str | None, Doc(description="The integration whose IdP issues the token; the main one by default")
    ] = None
    person: Annotated[
        str | None,
        Doc(description="The person it is about, when it is no user: sub is then what the IdP itself issues"),
    ] = None
    kind: Annotated[
        Literal["access", "id", "machine"] | None,
        Doc(
            description="Access token, ID token, or one that a client got for itself; what an API gets by default"
        ),
    ] = None
    client: Annotated[
        str | None, Doc(description="The id of the client that asked for it; the audience of an ID token")
    ] = None
    scopes: Annotated[
        list[str] | None, Doc(description="What the client asked for, such as [openid, profile]")
    ] = None
    claims: Annotated[
        dict[str, Any],
        Doc(description="Claims to set; !absent removes, !json writes verbatim; times are like +5m"),
    ] = {}
    header: Annotated[dict[str, Any], Doc(description="Header members to set; !absent removes one")] = {}
    key: Annotated[str | None, Doc(description="The key that signs: a to f, attacker; the active one")] = None
    alg: Annotated[Algorithm | None, Doc(description="The algorithm; the signing key's by default")] = None
    hmac: Annotated[
        Literal["HS256", "HS384", "HS512"] | None, Doc(description="The HMAC of an HMAC forgery")
    ] = None
    forge: Annotated[
        str | dict[str, Any] | list[str | dict[str, Any]] | None,
        Doc(description="One forgery by name, or {name: argument}, or a list applied in order"),
    ] = None
    text: Annotated[
        Any, Doc(description="The whole credential (text or !base64) as it is sent, in place of a token")
    ] = None


class UserSpec(Strict, frozen=True, kw_only=True):
    """One user of the API."""

    external_id: Annotated[str | None, Doc(description="The External ID; null when none is set")] = None
    pairwise: Annotated[
        str | None,
        Doc(description="In place of external_id: the Entra sub of this user at this application's audience"),
    ] = None
    active: Annotated[bool, Doc(description="Whether the user may sign in")] = True
    api_access: Annotated[bool, Doc(description="Whether the user may use the API (MAP-040)")] = True
    claim: Annotated[
        str | None,
        Doc(
            description="The claim that the External ID is of, where a target asks; the custom claim by default,"
            " sub for a pairwise one and where there is none"
        ),
    ] = None
    of: Annotated[
        str | None, Doc(description="The integration the user belongs to; the main one by default")
    ] = None


class IntegrationSpec(Strict, frozen=True, kw_only=True):
    """One onboarding record, and the IdP behind it. What is not said is a plain good one."""

    entity_id: Annotated[Any, Doc(description="The entity id as the customer typed it, of any type")] = UNSET
    idp_name: Annotated[Any, Doc(description="The IdP's name for people, of any type")] = UNSET
    issuer: Annotated[Any, Doc(description="The issuer as the customer typed it; the IdP's by default")] = (
        UNSET
    )
    audience: Annotated[
        Any, Doc(description="The audience as the customer typed it; the IdP's by default")
    ] = UNSET
    persona: Annotated[str | None, Doc(description="The dialect of this IdP; generic by default")] = None
    at_start: Annotated[bool, Doc(description="Whether it is onboarded before the first step")] = True
    keys: Annotated[
        KeyForm | None, Doc(description="The form in which keys are handed over; any when not said")
    ] = None
    alg: Annotated[Algorithm | None, Doc(description="The one algorithm; RS256 by default")] = None
    algorithms: Annotated[list[str] | None, Doc(description="The allow-list, when it is not [alg]")] = None
    published: Annotated[
        Annotated[list[str], Meta(min_length=1)] | None,
        Doc(description="The keys the IdP publishes; the first one signs"),
    ] = None
    jwks: Annotated[
        list[JwkSpec | str] | str | None, Doc(description="A hand-made JWKS, or its whole text")
    ] = None
    tls: Annotated[
        Literal["good", "expired", "not_yet_valid", "self_signed", "wrong_host"] | None,
        Doc(description="Serve the JWKS over https, with a certificate that is good or has this flaw"),
    ] = None
    jwks_uri: Annotated[Any, Doc(description="The URL as the customer typed it, in place of the IdP's")] = (
        UNSET
    )
    certificates: Annotated[
        list[str | CertificateSpec] | None, Doc(description="The uploaded files, by key name")
    ] = None
    selected: Annotated[
        list[str] | UnsetType | None, Doc(description="The kids chosen for OIDC; the only one by default")
    ] = UNSET
    custom_claim: Annotated[
        Any, Doc(description="The claim that finds the user before sub does; none by default")
    ] = UNSET
    leeway_s: Annotated[int | None, Doc(description="Leeway (seconds); 60 by default")] = None
    sample_token: Annotated[
        TokenSpec | str | None, Doc(description="A sample JWT, in place of issuer and audience")
    ] = None


class RequestBound(Strict, frozen=True, kw_only=True):
    """What holds of the requests that the IdP saw during a step."""

    at_most: Annotated[int | None, Doc(description="No more requests than this (a count)")] = None
    at_least: Annotated[int | None, Doc(description="No fewer requests than this (a count)")] = None
    query: Annotated[str | None, Doc(description="The query that each of them has, percent-encoded")] = None
    without: Annotated[
        list[str], Doc(description="Headers that none of them has, such as authorization")
    ] = []


class SendSpec(Strict, frozen=True, kw_only=True):
    """How the credential travels over HTTP. In its texts each character is one byte, U+0000 to U+00FF."""

    headers: Annotated[
        list[str] | UnsetType,
        Doc(
            description="Its header lines: {token} is the token, {name} one kept under that name;"
            " Authorization: Bearer {token} by default, [] for none"
        ),
    ] = UNSET
    target: Annotated[
        str | None,
        Doc(
            description="The path and query that are asked; {path} is the endpoint's own path,"
            " {PATH} that in capitals"
        ),
    ] = None
    method: Annotated[str | None, Doc(description="The HTTP method; the endpoint's own by default")] = None
    body: Annotated[str | None, Doc(description="The request's content; its length is told by itself")] = None
    connection: Annotated[
        Literal["fresh", "kept"],
        Doc(description="kept: over the connection that an earlier such step of this scenario left open"),
    ] = "fresh"
    cookies: Annotated[
        Literal["kept"] | None, Doc(description="kept: with the cookies that earlier answers have set")
    ] = None


class AnswerSpec(Strict, frozen=True, kw_only=True):
    """What an HTTP answer must say beside the verdict."""

    status: Annotated[list[int], Doc(description="Its status is one of these")] = []
    challenge: Annotated[
        str | None, Doc(description="It has a well-formed WWW-Authenticate of this scheme (RFC 9110 11.6.1)")
    ] = None
    error: Annotated[
        str | UnsetType | None,
        Doc(description="The error code of the Bearer challenge (RFC 6750 3.1); null: it has none"),
    ] = UNSET
    cache: Annotated[
        Literal["private"] | None, Doc(description="No shared cache may keep it (RFC 9111 3.5)")
    ] = None
    keep: Annotated[str | None, Doc(description="Keep the answer under this name for a later `like`")] = None
    like: Annotated[
        str | None, Doc(description="Status, challenge and content are those of the answer kept so")
    ] = None
    soft: Annotated[bool, Doc(description="A deviation is a warning, whatever the level of the rule")] = False


class AuthenticateStep(Strict, frozen=True, kw_only=True):
    """Send a token and judge the answer."""

    expect: Annotated[
        Any, Doc(description="What is right: a user's name, onboarded, {reject: reason}, {by: knob, …}")
    ]
    token: Annotated[
        str | TokenSpec | None, Doc(description="A token kept with `as`, or how to make one; else the row's")
    ] = None
    as_: Annotated[str | None, Doc(description="Keep the token under this name for later steps")] = (
        msgspec.field(default=None, name="as")
    )
    times: Annotated[int, Meta(ge=1, le=1000, description="How often, each with the same answer")] = 1
    endpoint: Annotated[int | None, Doc(description="2 for the target's second product endpoint")] = None
    send: Annotated[
        SendSpec | None, Doc(description="How the credential travels over HTTP; else as the row says")
    ] = None
    answer: Annotated[
        AnswerSpec | None, Doc(description="What the HTTP answer must say beside the verdict")
    ] = None
    requests: Annotated[
        dict[str, RequestBound],
        Doc(description="Bounds on the requests that the IdP sees, by endpoint: jwks"),
    ] = {}


class TogetherStep(Strict, frozen=True, kw_only=True):
    """Send tokens that were kept, all at the same time."""

    expect: Annotated[
        Annotated[dict[str, Any], Meta(min_length=1)],
        Doc(description="What is right for each token, by the name under which it was kept"),
    ]
    times: Annotated[int, Meta(ge=1, le=200, description="How often each of them is sent, mixed")] = 1
    requests: Annotated[
        dict[str, RequestBound],
        Doc(description="Bounds on the requests that the IdP sees, by endpoint: jwks"),
    ] = {}


class MintStep(TokenSpec, frozen=True, kw_only=True):
    """Make a token now and keep it for later."""

    as_: Annotated[str, Doc(description="The name under which the token is kept")] = msgspec.field(name="as")


class FloodStep(Strict, frozen=True, kw_only=True):
    """Send many different tokens that are forged in one way."""

    tokens: Annotated[int, Meta(ge=1, le=10_000, description="How many tokens")]
    forge: Annotated[str, Doc(description="The forgery that each of them has, such as unknown_kid")]
    expect: Annotated[
        Any, Doc(description="What is right: a user's name, onboarded, {reject: reason}, {by: knob, …}")
    ]
    requests: Annotated[
        dict[str, RequestBound],
        Doc(description="Bounds on the requests that the IdP sees, by endpoint: jwks"),
    ] = {}


class RotateStep(Strict, frozen=True, kw_only=True):
    """Let another key become the active one."""

    keep: Annotated[Literal["old", "none"], Doc(description="Whether the old key stays published")] = "old"
    to: Annotated[str | None, Doc(description="The key that takes over; the next letter by default")] = None


class ReplaceStep(Strict, frozen=True, kw_only=True):
    """Publish another key under an old key's kid."""

    kid: Annotated[str, Doc(description="The key whose kid it is, or old: the one that signed before")]
    by: Annotated[str, Doc(description="The key that stands under this kid from now on: a to f, attacker")]


class FaultStep(Strict, frozen=True, kw_only=True):
    """Let the IdP's HTTP side misbehave until it is healed."""

    at: Annotated[Literal["jwks"], Doc(description="The endpoint that misbehaves")]
    is_: Annotated[
        str | dict[str, Any], Doc(description="The fault by name, or {name: argument}, such as {status: 503}")
    ] = msgspec.field(name="is")
    times: Annotated[
        int | None, Doc(description="For so many requests; until it is healed when not said")
    ] = None
    of: Annotated[
        str | None, Doc(description="The integration whose IdP misbehaves; the main one by default")
    ] = None


class OnboardStep(IntegrationSpec, frozen=True, kw_only=True):
    """Onboard again: a change of the main integration, or another one."""

    integration: Annotated[str | None, Doc(description="Which integration; the main one by default")] = None
    users: Annotated[dict[str, str | UserSpec | None], Doc(description="The users from now on")] = {}
    without: Annotated[list[str], Doc(description="Users who are no more")] = []
    expect: Annotated[
        Any, Doc(description="What is right: a user's name, onboarded, {reject: reason}, {by: knob, …}")
    ] = "onboarded"
    requests: Annotated[
        dict[str, RequestBound], Doc(description="What holds of the requests that the IdP saw, by endpoint")
    ] = {}


class Step(Strict, frozen=True, kw_only=True):
    """One step; exactly one of these words."""

    authenticate: Annotated[AuthenticateStep | None, Doc(description="Send a token and judge the answer")] = (
        None
    )
    mint: Annotated[MintStep | None, Doc(description="Make a token now and keep it for later")] = None
    onboard: Annotated[
        OnboardStep | None, Doc(description="Send the record again, changed, or another integration's")
    ] = None
    offboard: Annotated[str | None, Doc(description="Remove this integration")] = None
    rotate: Annotated[RotateStep | None, Doc(description="Let another key sign from now on")] = None
    publish: Annotated[str | None, Doc(description="Publish this key before it signs")] = None
    retire: Annotated[str | None, Doc(description="Take this key out of the set; `old`: the one before")] = (
        None
    )
    revoke: Annotated[str | None, Doc(description="Take this key out as compromised")] = None
    purge: Annotated[
        str | None, Doc(description="Have an operator of the target take this key out at once")
    ] = None
    replace: Annotated[ReplaceStep | None, Doc(description="Publish another key under an old key's kid")] = (
        None
    )
    fault: Annotated[FaultStep | None, Doc(description="Let the IdP's HTTP side misbehave")] = None
    heal: Annotated[bool | None, Doc(description="true: end all faults of the IdP's HTTP side")] = None
    advance: Annotated[str | None, Doc(description="A duration; may name a knob: jwks_period_s + 1s")] = None
    flood: Annotated[FloodStep | None, Doc(description="Send many different tokens, forged in one way")] = (
        None
    )
    together: Annotated[
        TogetherStep | None, Doc(description="Send tokens that were kept, all at the same time")
    ] = None


class Setting(Strict, frozen=True, kw_only=True):
    """What a group and each of its rows can say about the situation."""

    integrations: Annotated[dict[str, IntegrationSpec], Doc(description="Further integrations by name")] = {}
    users: Annotated[dict[str, str | UserSpec | None], Doc(description="Users and their External IDs")] = {}
    token: Annotated[TokenSpec | None, Doc(description="How the token is made; honest where not said")] = None
    requires: Annotated[
        list[str],
        Doc(description="What a target must be able to do, where that does not follow from the row"),
    ] = []


class Given(Setting, frozen=True, kw_only=True):
    """What every row of a group starts from."""

    integration: Annotated[IntegrationSpec | None, Doc(description="The main integration")] = None


class Defaults(Setting, frozen=True, kw_only=True):
    """Members that every row has unless it says otherwise."""

    rules: Annotated[
        list[str], Doc(description="Ids of rules: the one under test first, then those that it touches")
    ] = []
    advisories: Annotated[
        list[str], Doc(description="Published advisories that this catches: CVE-… or GHSA-…")
    ] = []
    control: Annotated[
        str | None, Doc(description="Of a no: the row that expects a yes and differs in the fault alone")
    ] = None
    expect: Annotated[
        Any, Doc(description="What is right: a user's name, onboarded, {reject: reason}, {by: knob, …}")
    ] = UNSET
    claim: Annotated[dict[str, Any], Doc(description="Short for token: {claims: …}")] = {}
    forge: Annotated[
        str | dict[str, Any] | list[str | dict[str, Any]] | None,
        Doc(description="Short for token: {forge: …}: a forgery by name, {name: argument}, or a list"),
    ] = None
    onboard: Annotated[
        IntegrationSpec | None, Doc(description="What this row changes in the onboarding request")
    ] = None
    each_key: Annotated[
        bool | None, Doc(description="Send one token for each key handed over, each with this answer")
    ] = None
    canary: Annotated[
        Literal["untouched"] | None,
        Doc(description="The address that stands for {canary} in the token must not be asked"),
    ] = None
    quoted: Annotated[
        Literal["never"] | None, Doc(description="No answer may repeat a part of the token")
    ] = None
    send: Annotated[SendSpec | None, Doc(description="How the credential travels over HTTP")] = None
    answer: Annotated[
        AnswerSpec | None, Doc(description="What the HTTP answer must say beside the verdict")
    ] = None
    unless: Annotated[
        dict[str, str],
        Doc(
            description="Not for a target that declares this word in this knob, such as {token_locations: form}"
        ),
    ] = {}
    audit: Annotated[dict[str, Any], Doc(description="What the record of the authentication must say")] = {}
    steps: Annotated[
        list[Step] | None, Doc(description="For what takes time: what happens, in order, each one mapping")
    ] = None
    times: Annotated[int, Meta(ge=1, le=1000, description="How often the token is sent")] = 1
    endpoint: Annotated[int | None, Doc(description="2 for the target's second product endpoint")] = None


class Row(Defaults, frozen=True, kw_only=True):
    """One scenario."""

    id: Annotated[str, Doc(description="Unique in its group, lower case with hyphens; never used again")]
    says: Annotated[str, Doc(description="One sentence of fact")]
    value: Annotated[Any, Doc(description="What goes into the column named by `vary`")] = UNSET
    note: Annotated[str | None, Doc(description="A remark for readers")] = None


class ControlRow(Defaults, frozen=True, kw_only=True):
    """The group's accepting twin, which rejecting rows without a control of their own have as theirs."""

    id: Annotated[str, Doc(description="Its id in the group; control by default")] = "control"
    says: Annotated[str, Doc(description="One sentence of fact")]
    note: Annotated[str | None, Doc(description="A remark for readers")] = None


class GroupFile(Strict, frozen=True, kw_only=True):
    """One file: scenarios that share a `given`."""

    group: Annotated[str, Doc(description="Where the group stands, such as mapping/custom-claim")]
    title: Annotated[str, Doc(description="What the group shows, in one sentence")]
    given: Annotated[Given, Doc(description="What every row starts from")] = Given()
    matrix: Annotated[
        dict[str, list[Any]], Doc(description="Multiplies the group: alg, keys, persona or hmac")
    ] = {}
    vary: Annotated[
        str | None, Doc(description="The column that `value` fills, such as token.claims.email")
    ] = None
    control: Annotated[
        ControlRow | None, Doc(description="A row that serves the whole group as its accepting twin")
    ] = None
    defaults: Annotated[Defaults, Doc(description="Members that every row has unless it says otherwise")] = (
        Defaults()
    )
    scenarios: Annotated[list[Row], Meta(min_length=1, description="The rows: one scenario each")]


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario file."""
    schema = msgspec.json.schema(GroupFile)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A scenario table", **schema}


def schema_bytes() -> bytes:
    """Return the JSON Schema as the file that ships with the package."""
    return msgspec.json.format(msgspec.json.encode(json_schema(), order="sorted"), indent=1) + b"\n"

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

    entity_id: Any = UNSET
    idp_name: Any = UNSET
    issuer: Any = UNSET
    audience: Any = UNSET
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
    custom_claim: Any = UNSET
    leeway_s: Annotated[int | None, Doc(description="Leeway (seconds); 60 by default")] = None
    sample_token: Annotated[
        TokenSpec | str | None, Doc(description="A sample JWT, in place of issuer and audience")
    ] = None


class RequestBound(Strict, frozen=True, kw_only=True):
    """What holds of the requests that the IdP saw during a step."""

    at_most: int | None = None
    at_least: int | None = None
    query: Annotated[str | None, Doc(description="The query that each of them has, percent-encoded")] = None
    without: Annotated[
        list[str], Doc(description="Headers that none of them has, such as authorization")
    ] = []


class AuthenticateStep(Strict, frozen=True, kw_only=True):
    """Send a token and judge the answer."""

    expect: Any
    token: Annotated[
        str | TokenSpec | None, Doc(description="A token kept with `as`, or how to make one; else the row's")
    ] = None
    as_: str | None = msgspec.field(default=None, name="as")
    times: Annotated[int, Meta(ge=1, le=1000, description="How often, each with the same answer")] = 1
    endpoint: Annotated[int | None, Doc(description="2 for the target's second product endpoint")] = None
    requests: dict[str, RequestBound] = {}


class MintStep(TokenSpec, frozen=True, kw_only=True):
    """Make a token now and keep it for later."""

    as_: str = msgspec.field(name="as")


class FloodStep(Strict, frozen=True, kw_only=True):
    """Send many different tokens that are forged in one way."""

    tokens: Annotated[int, Meta(ge=1, le=10_000)]
    forge: str
    expect: Any
    requests: dict[str, RequestBound] = {}


class RotateStep(Strict, frozen=True, kw_only=True):
    """Let another key become the active one."""

    keep: Annotated[Literal["old", "none"], Doc(description="Whether the old key stays published")] = "old"
    to: Annotated[str | None, Doc(description="The key that takes over; the next letter by default")] = None


class ReplaceStep(Strict, frozen=True, kw_only=True):
    """Publish another key under an old key's kid."""

    kid: str
    by: str


class FaultStep(Strict, frozen=True, kw_only=True):
    """Let the IdP's HTTP side misbehave until it is healed."""

    at: Literal["jwks"]
    is_: str | dict[str, Any] = msgspec.field(name="is")
    times: int | None = None
    of: Annotated[
        str | None, Doc(description="The integration whose IdP misbehaves; the main one by default")
    ] = None


class OnboardStep(IntegrationSpec, frozen=True, kw_only=True):
    """Onboard again: a change of the main integration, or another one."""

    integration: Annotated[str | None, Doc(description="Which integration; the main one by default")] = None
    users: Annotated[dict[str, str | UserSpec | None], Doc(description="The users from now on")] = {}
    without: Annotated[list[str], Doc(description="Users who are no more")] = []
    expect: Any = "onboarded"
    requests: dict[str, RequestBound] = {}


class Step(Strict, frozen=True, kw_only=True):
    """One step; exactly one of these words."""

    authenticate: AuthenticateStep | None = None
    mint: MintStep | None = None
    onboard: OnboardStep | None = None
    offboard: Annotated[str | None, Doc(description="Remove this integration")] = None
    rotate: RotateStep | None = None
    publish: Annotated[str | None, Doc(description="Publish this key before it signs")] = None
    retire: Annotated[str | None, Doc(description="Take this key out of the set; `old`: the one before")] = (
        None
    )
    revoke: Annotated[str | None, Doc(description="Take this key out as compromised")] = None
    purge: Annotated[
        str | None, Doc(description="Have an operator of the target take this key out at once")
    ] = None
    replace: ReplaceStep | None = None
    fault: FaultStep | None = None
    heal: bool | None = None
    advance: Annotated[str | None, Doc(description="A duration; may name a knob: jwks_period_s + 1s")] = None
    flood: FloodStep | None = None


class SendSpec(Strict, frozen=True, kw_only=True):
    """How the credential travels over HTTP."""

    headers: list[str] = []
    target: str | None = None
    method: str | None = None
    body: str | None = None


class Setting(Strict, frozen=True, kw_only=True):
    """What a group and each of its rows can say about the situation."""

    integrations: Annotated[dict[str, IntegrationSpec], Doc(description="Further integrations by name")] = {}
    users: Annotated[dict[str, str | UserSpec | None], Doc(description="Users and their External IDs")] = {}
    token: TokenSpec | None = None
    requires: list[str] = []


class Given(Setting, frozen=True, kw_only=True):
    """What every row of a group starts from."""

    integration: Annotated[IntegrationSpec | None, Doc(description="The main integration")] = None


class Defaults(Setting, frozen=True, kw_only=True):
    """Members that every row has unless it says otherwise."""

    rules: list[str] = []
    advisories: list[str] = []
    control: str | None = None
    expect: Any = UNSET
    claim: dict[str, Any] = {}
    forge: str | dict[str, Any] | list[str | dict[str, Any]] | None = None
    onboard: Annotated[
        IntegrationSpec | None, Doc(description="What this row changes in the onboarding request")
    ] = None
    each_key: Annotated[
        bool | None, Doc(description="Send one token for each key handed over, each with this answer")
    ] = None
    canary: Literal["untouched"] | None = None
    quoted: Annotated[
        Literal["never"] | None, Doc(description="No answer may repeat a part of the token")
    ] = None
    send: SendSpec | None = None
    audit: Annotated[dict[str, Any], Doc(description="What the record of the authentication must say")] = {}
    steps: list[Step] | None = None
    times: Annotated[int, Meta(ge=1, le=1000, description="How often the token is sent")] = 1
    endpoint: int | None = None


class Row(Defaults, frozen=True, kw_only=True):
    """One scenario."""

    id: Annotated[str, Doc(description="Unique in its group, lower case with hyphens; never used again")]
    says: Annotated[str, Doc(description="One sentence of fact")]
    value: Annotated[Any, Doc(description="What goes into the column named by `vary`")] = UNSET
    note: str | None = None


class ControlRow(Defaults, frozen=True, kw_only=True):
    """The group's accepting twin, which rejecting rows without a control of their own have as theirs."""

    id: str = "control"
    says: str
    note: str | None = None


class GroupFile(Strict, frozen=True, kw_only=True):
    """One file: scenarios that share a `given`."""

    group: Annotated[str, Doc(description="Where the group stands, such as mapping/custom-claim")]
    title: Annotated[str, Doc(description="What the group shows, in one sentence")]
    given: Given = Given()
    matrix: Annotated[
        dict[str, list[Any]], Doc(description="Multiplies the group: alg, keys, persona or hmac")
    ] = {}
    vary: Annotated[
        str | None, Doc(description="The column that `value` fills, such as token.claims.email")
    ] = None
    control: ControlRow | None = None
    defaults: Defaults = Defaults()
    scenarios: Annotated[list[Row], Meta(min_length=1)]


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario file."""
    schema = msgspec.json.schema(GroupFile)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A scenario table", **schema}


def schema_bytes() -> bytes:
    """Return the JSON Schema as the file that ships with the package."""
    return msgspec.json.format(msgspec.json.encode(json_schema(), order="sorted"), indent=1) + b"\n"

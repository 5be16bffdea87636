"""The stage: one scenario made real. The mock IdP's state, the records to onboard, the tokens to send, the clock.

It turns what a table says into bytes and messages, and never knows what is expected of them. What a target cannot
take is adapted in its delivery (the form of the keys, the clock), never in its content.
"""

from __future__ import annotations

import contextlib
import json
import math
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from msgspec import UNSET

from mock_idp import Issuer, KeyRing, MockIdP, Person, RawJSON
from mock_idp.fixed_keys import fixed_key
from mock_idp.forgeries import ForgeContext, finish, forge
from mock_idp.issuer import DEFAULT_AUDIENCE, DEFAULT_TENANT
from mock_idp.keys import ALGORITHMS, PrivateKey, SigningKey
from mock_idp.personas import pairwise_sub, persona
from scenarios import rulebook
from scenarios.certificate_files import certificate_file
from scenarios.tables import model, times, words
from scenarios.tables.requirements import DEFAULT_ALG
from scenarios.tables.scenario import MAIN
from scenarios.tables.yaml12 import ABSENT, Json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mock_idp import Draft
    from mock_idp.serve import RunningServer
    from scenarios.tables.model import CertificateSpec, IntegrationSpec, TokenSpec
    from scenarios.tables.scenario import Move, Scenario
    from scenarios.targets.profile import Profile

START: Final = 1_767_225_600.0
"""Where the clock of a scenario starts for a target that obeys `now`: 2026-01-01T00:00:00Z."""
LIFETIME_S: Final = 300
"""How long an honest token lives (seconds)."""
AUDIENCE: Final = "api"


class StageError(Exception):
    """A scenario that cannot be made real; a mistake of its table, found only when it is made."""

    def __init__(self, scenario: Scenario, reason: str) -> None:
        super().__init__(f"{scenario.place}: {scenario.id}: {reason}")
        self.reason: Final = reason


class _StagedKey(SigningKey):
    """A shipped key that remembers its signatures.

    A third of a run's signatures are over a token that another scenario has too. PSS is left out: its salt is new each
    time.
    """

    def sign(self, data: bytes, alg: str | None = None) -> bytes:
        alg = alg or self.alg
        if alg.startswith("PS"):
            return super().sign(data, alg)
        return _signature(self.private, alg, data)


@lru_cache(maxsize=4096)
def _signature(private: PrivateKey, alg: str, data: bytes) -> bytes:
    return SigningKey("", alg, private).sign(data)


def staged_key(name: str, alg: str) -> SigningKey:
    """Return a shipped key as scenarios use it. Raises `ValueError` for one that is not there."""
    key = fixed_key(name, alg)
    return _StagedKey(key.kid, key.alg, key.private)


@contextlib.contextmanager
def _making(scenario: Scenario) -> Iterator[None]:
    """Turn the complaints of keys, certificates, forgeries and personas into one about the table."""
    try:
        yield
    except (ValueError, LookupError) as error:
        raise StageError(scenario, str(error)) from error


class Lab:
    """The mock IdP of a whole run, behind real HTTP; each scenario gets paths of its own.

    Use it in `with`. HTTP starts with the first URL that is asked for, HTTPS likewise.
    """

    def __init__(self) -> None:
        self.idp = MockIdP()
        self._stack = contextlib.ExitStack()
        self._servers: dict[bool, RunningServer] = {}
        self._ca_file: str | None = None
        self._count = 0
        self.tokens = 0
        self.fetches = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the servers."""
        self._stack.close()

    def number(self) -> int:
        """Return the next number: opaque names for what a target sees."""
        self._count += 1
        return self._count

    def url(self, path: str, *, https: bool = False) -> str:
        """Return the URL of a path of the mock IdP."""
        if https not in self._servers:
            self._servers[https] = self._start(https=https)
        return self._servers[https].url + path

    @property
    def ca_file(self) -> str | None:
        """The CA certificate of the HTTPS server, once it runs (a path)."""
        return self._ca_file

    def _start(self, *, https: bool) -> RunningServer:
        from mock_idp.serve import loopback_tls, serve

        if not https:
            return self._stack.enter_context(serve(self.idp))
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="touchstone-"))
        certfile, keyfile, ca_file = loopback_tls(Path(folder))
        self._ca_file = str(ca_file)
        return self._stack.enter_context(serve(self.idp, tls=(certfile, keyfile)))


class _StagedIssuer(Issuer):
    """An issuer whose JWKS a scenario may write by hand."""

    handmade: bytes | None = None

    def jwks_bytes(self) -> bytes:
        return super().jwks_bytes() if self.handmade is None else self.handmade


@dataclass(slots=True)
class Party:
    """One integration: its record's id, its IdP, and what the customer wants of it."""

    name: str
    id: str
    path: str
    spec: IntegrationSpec
    issuer: _StagedIssuer
    alg: str
    old: list[str] = field(default_factory=list)
    """The kids that were active before, the latest last."""


class Stage:
    """One scenario being played. Not to be used by two threads."""

    def __init__(self, scenario: Scenario, lab: Lab, profile: Profile) -> None:
        self.scenario = scenario
        self.lab = lab
        self.profile = profile
        self.offset = 0.0
        self.virtual = profile.can("clock")
        self.users: Mapping[str, model.UserSpec] = scenario.users
        self.kept: dict[str, str | bytes] = {}
        self.canary_name = f"c-{lab.number()}"
        self.canary_url = lab.url(lab.idp.canary(self.canary_name)) if scenario.canary else ""
        self.parties: dict[str, Party] = {}
        try:
            with _making(scenario):
                for name, spec in scenario.integrations.items():
                    self.parties[name] = self._party(name, spec)
        except StageError:
            self.close()
            raise

    def close(self) -> None:
        """Take the scenario's issuers off the mock IdP."""
        for party in self.parties.values():
            self.lab.fetches += self.lab.idp.requests(party.path, "jwks")
            self.lab.idp.remove_issuer(party.path)
        self.lab.idp.clear_faults()

    # time

    def now(self) -> float:
        """Return the scenario's time (seconds since the epoch)."""
        return (START if self.virtual else time.time()) + self.offset

    def knob(self, name: str) -> float:
        """Return a knob that holds seconds, as the target declares it or by default."""
        value = self.profile.knobs.get(name, rulebook.knobs()[name].default)
        return float(value) if value is not None else 0.0

    # parties

    def _party(self, name: str, spec: IntegrationSpec) -> Party:
        number = self.lab.number()
        alg = spec.alg or (spec.algorithms or [DEFAULT_ALG])[0]
        if alg not in ALGORITHMS:  # a list that names what nobody signs with, to be refused
            alg = DEFAULT_ALG
        index = list(self.scenario.integrations).index(name) + 1
        dialect = persona(spec.persona or self._persona_of_tokens() or "generic")
        tenant = DEFAULT_TENANT if name == MAIN else str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        path = f"/i-{number}"
        host = "https://idp.example.com" if index == 1 else f"https://idp-{index}.example.com"
        plain = dialect.name == "generic"
        issuer = _StagedIssuer(
            dialect,
            KeyRing([staged_key(letter, alg) for letter in _letters(spec)]),
            issuer=spec.issuer if isinstance(spec.issuer, str) else host if plain else None,
            audience=spec.audience
            if isinstance(spec.audience, str)
            else AUDIENCE
            if plain
            else DEFAULT_AUDIENCE,
            tenant=tenant,
            base_url=host,
            clock=self.now,
        )
        self.lab.idp.add_issuer(path, issuer)
        party = Party(name, f"i-{number}", path, spec, issuer, alg)
        party.issuer.handmade = self._handmade(party)
        return party

    def _persona_of_tokens(self) -> str | None:
        """Return the persona of the scenario's tokens, which is then the IdP's too."""
        named = {spec.persona for action in self.scenario.actions if (spec := _token_of(action)) is not None}
        return named.pop() if len(named) == 1 else None

    def _handmade(self, party: Party) -> bytes | None:
        entries = party.spec.jwks
        if entries is None:
            return None
        if isinstance(entries, str):
            return entries.encode()
        return json.dumps({"keys": [self._jwk(party, entry) for entry in entries]}).encode()

    def _jwk(self, party: Party, entry: model.JwkSpec | str) -> Any:
        if isinstance(entry, str):
            entry = model.JwkSpec(key=entry)
        if entry.raw is not UNSET:
            return entry.raw
        key = staged_key(entry.key or "a", entry.alg or party.alg)
        jwk = {**party.issuer.persona.published(key, party.issuer.issuer)}
        if entry.private:
            jwk |= key.private_jwk()
        for name, value in entry.members.items():
            if value is ABSENT:
                jwk.pop(name, None)
            else:
                jwk[name] = value
        return jwk

    # what is sent

    def record(self, name: str, spec: IntegrationSpec | None = None) -> dict[str, Any]:
        """Return the onboarding record of an integration, as `onboard` sends it; `spec` changes it from now on."""
        party = self.parties[name]
        with _making(self.scenario):
            if spec is not None:
                party.spec = spec
                party.issuer.handmade = self._handmade(party)
            return self._record(party)

    def _record(self, party: Party) -> dict[str, Any]:
        spec = party.spec
        record: dict[str, Any] = {
            "id": party.id,
            "entity_id": _given(spec.entity_id, f"{party.issuer.base_url}/entity"),
            "idp_name": _given(spec.idp_name, "Example IdP"),
            "issuer": _given(spec.issuer, party.issuer.issuer),
            "audience": _given(spec.audience, party.issuer.audience),
            "sample_token": self._sample(party),
            "algorithms": spec.algorithms or [party.alg],
            "custom_claim": _given(spec.custom_claim, None),
            "leeway_s": int(self.knob("leeway_s")) if spec.leeway_s is None else spec.leeway_s,
            "ca_file": None,
        }
        record |= self._keys(party)
        if "jwks_uri" in record:
            record["ca_file"] = self.lab.ca_file if "https_only" in self.profile.keys else None
        return {member: value for member, value in record.items() if value is not ABSENT}

    def _sample(self, party: Party) -> str | bytes | None:
        sample = party.spec.sample_token
        if isinstance(sample, model.TokenSpec):
            return self.token(sample, party=party.name)
        return sample

    def _keys(self, party: Party) -> dict[str, Any]:
        spec = party.spec
        forms = {
            "jwks_uri": self._jwks_uri,
            "jwks": lambda p: json.loads(p.issuer.jwks_bytes()),
            "certificates": self._certificates,
            "public_keys": _public_keys,
        }
        said = [
            form
            for form, value in (("jwks_uri", spec.jwks_uri), ("certificates", spec.certificates))
            if _said(value)
        ]
        if spec.keys is not None and spec.keys not in said:
            said.append(spec.keys)
        if not said:
            takes = [form for form in self.profile.keys if form in forms]
            if spec.jwks is not None:  # what a hand-made set says, no certificate and no bare key can say
                takes = (
                    ["jwks_uri"] if isinstance(spec.jwks, str) else [f for f in takes if f.startswith("jwks")]
                )
            # A target that judges records takes a record with two sources of keys for what it is: a contradiction.
            said = takes[:1] if self.profile.can("onboarding") else takes
        record = {form: forms[form](party) for form in said}
        if "certificates" in record:
            kids = [entry["kid"] for entry in record["certificates"]]
            record["selected"] = kids if spec.selected is UNSET else spec.selected
        return record

    def _jwks_uri(self, party: Party) -> Any:
        https = "https_only" in self.profile.keys
        url = self.lab.url(f"{party.path}/jwks", https=https)
        given = party.spec.jwks_uri
        if isinstance(given, str):
            return given.replace("{jwks_uri}", url)
        return url if given is UNSET else given

    def _certificates(self, party: Party) -> list[dict[str, Any]]:
        files: list[str | CertificateSpec] = list(party.spec.certificates or ())
        if not files and not _said(party.spec.certificates):
            files = [key.kid for key in party.issuer.ring.published()]
        return [self._certificate(party, item) for item in files]

    def _certificate(self, party: Party, item: str | CertificateSpec) -> dict[str, Any]:
        spec = model.CertificateSpec(key=item) if isinstance(item, str) else item
        name = spec.name or f"{spec.key or 'signing'}.pem"
        if spec.text is not None:
            content: str | bytes = spec.text
        else:
            letters = spec.bundle or [spec.key or "a"]
            limits = [self._date(spec.not_before), self._date(spec.not_after)]
            keys = [staged_key(letter, "RS256" if letter == "weak" else party.alg) for letter in letters]
            content = certificate_file(keys, spec.form, party.issuer.persona.certificate, *limits)
        kid = spec.kid
        if kid is UNSET:
            kid = (
                party.issuer.kid(staged_key(spec.key, party.alg))
                if spec.key and spec.key != "weak"
                else spec.key
            )
        return {"kid": kid, "name": name, "pem": content}

    def _date(self, text: str | None) -> datetime | None:
        if text is None:
            return None
        return datetime.fromtimestamp(math.floor(self.now() + times.parse(text).of(self.knob)), UTC)

    def directory(self, name: str) -> list[dict[str, Any]]:
        """Return the users of an integration, as `onboard` sends them."""
        return [
            {"name": user, "external_id": self.external_id(user), "active": spec.active}
            for user, spec in self.users.items()
            if (spec.of or MAIN) == name
        ]

    def external_id(self, user: str) -> str | None:
        """Return a user's External ID."""
        spec = self.users[user]
        if spec.pairwise is None:
            return spec.external_id
        party = self.parties[spec.of or MAIN]
        return pairwise_sub(party.issuer.tenant, Person.named(user).oid, spec.pairwise)

    def user_of(self, claims: Mapping[str, Any]) -> str | None:
        """Return the user of the scenario that claims name: the custom claim when it has a value, else `sub`.

        For targets that map no users themselves and answer the claims that they read.
        """
        custom = self.parties[MAIN].spec.custom_claim
        value = claims.get(custom) if isinstance(custom, str) and custom else None
        if value is None or value == "":
            value = claims.get("sub")
        found = [user for user in self.users if isinstance(value, str) and self.external_id(user) == value]
        return found[0] if len(found) == 1 else None

    # tokens

    def token(
        self, spec: TokenSpec, *, key: str | None = None, party: str | None = None, seed: int = 0
    ) -> str | bytes:
        """Return a credential made as `spec` says, signed by `key` when given; the same each time but for the clock.

        Raises `StageError` for what cannot be made.
        """
        if spec.text is not None and (isinstance(spec.text, bytes) or "{token}" not in spec.text):
            return bytes(spec.text) if isinstance(spec.text, bytes) else str(spec.text)
        host = self.parties[party or spec.of or MAIN]
        with _making(self.scenario):
            draft = self._draft(spec, host, key or spec.key)
            context = ForgeContext.of(host.issuer, seed=seed)
            credential: Draft | str | bytes = draft
            for name, argument in words.forge_steps(spec.forge):
                asked = _with_hmac(name, argument, spec.hmac)
                credential = forge(credential, name, self._filled(asked), context=context)
            made = finish(credential)
            self.lab.tokens += 1
        if spec.text is not None:
            return str(spec.text).replace("{token}", str(made))
        return made

    def _draft(self, spec: TokenSpec, host: Party, key: str | None) -> Draft:
        issuer: Issuer = host.issuer
        user = spec.user or next((u for u, s in self.users.items() if (s.of or MAIN) == host.name), None)
        person = Person.named(spec.person or user or "ann")
        signer = None if key is None else self._key(host, key, spec.alg)
        if signer is None and spec.alg is not None:
            signer = issuer.ring.active.with_alg(spec.alg)
        options: dict[str, Any] = {"now": self.now(), "lifetime_s": LIFETIME_S}
        if signer is not None:
            options["key"] = signer
        if spec.scopes is not None:
            options["scopes"] = tuple(spec.scopes)
        dialect = persona(spec.persona) if spec.persona is not None else issuer.persona
        if dialect is not issuer.persona:
            # Another kind of token of the same IdP, such as Entra's v1 beside v2.
            issuer = Issuer(
                dialect, issuer.ring, audience=issuer.audience, tenant=issuer.tenant, clock=self.now
            )
        draft = issuer.draft(person, **options)
        external_id = None if user is None else self.external_id(user)
        if not dialect.fixed_sub and external_id is not None:
            draft = draft.with_claims({"sub": external_id})
        claims, no_claims = self._members(spec.claims, draft.claims)
        header, no_header = self._members(spec.header, draft.header)
        return (
            draft.with_claims(claims)
            .without_claims(*no_claims)
            .with_header(header)
            .without_header(*no_header)
        )

    def _key(self, host: Party, name: str, alg: str | None) -> SigningKey:
        if name == "weak":
            return staged_key(name, "RS256")
        snapshot = host.issuer.ring.snapshot
        if alg is None and snapshot.holds(name):
            return snapshot.entry(name).key
        return staged_key(name, alg or host.alg)

    def _members(
        self, changes: Mapping[str, Any], honest: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        made, absent = {}, []
        for name, value in changes.items():
            if value is ABSENT:
                absent.append(name)
            elif name in times.TIME_CLAIMS and isinstance(value, str):
                made[name] = math.floor(self.now() + times.parse(value).of(self.knob))
            else:
                made[name] = self._filled(value, honest)
        return made, absent

    def _filled(self, value: Any, honest: Mapping[str, Any] | None = None) -> Any:
        """Return a value of a table with `{canary}` filled in and `!json` made raw JSON."""
        match value:
            case Json():
                return RawJSON(value.text)
            case str():
                return value.replace("{canary}", self.canary_url) if self.canary_url else value
            case dict():
                return {key: self._filled(item, honest) for key, item in value.items()}
            case list():
                return [self._filled(item, honest) for item in value]
        return value

    # the world moves

    def move(self, move: Move) -> bool:
        """Change the world; return whether the IdP's keys are others now. Raises `StageError`."""
        with _making(self.scenario):
            return self._moved(move)

    def _moved(self, move: Move) -> bool:
        ring = self.parties[MAIN].issuer.ring
        party = self.parties[MAIN]
        argument = move.argument
        match move.what:
            case "rotate":
                party.old.append(ring.active.kid)
                ring.rotate(self._heir(party, argument.to), keep_old=argument.keep == "old")
            case "publish":
                ring.add(staged_key(argument, party.alg))
            case "retire":
                ring.retire(self._kid(party, argument))
            case "revoke":
                self._revoke(party, argument)
            case "replace":
                ring.replace(self._kid(party, argument.kid), staged_key(argument.by, party.alg))
            case "fault":
                fault = argument.is_ if isinstance(argument.is_, str) else dict(argument.is_)
                self.lab.idp.set_fault(party.path, argument.at, fault, times=argument.times)
                return False
            case "heal":
                self.lab.idp.clear_faults()
                return False
            case "advance":
                self.offset += argument.of(self.knob)
                return False
        return True

    def _heir(self, party: Party, name: str | None) -> SigningKey | None:
        snapshot = party.issuer.ring.snapshot
        if name is None and snapshot.oldest_staged() is None:
            name = next(letter for letter in "abcdef" if not snapshot.holds(letter))
        return None if name is None or snapshot.holds(name) else staged_key(name, party.alg)

    def _revoke(self, party: Party, name: str) -> None:
        kid = self._kid(party, name)
        ring = party.issuer.ring
        if ring.active.kid == kid:
            party.old.append(kid)
            ring.revoke(kid, self._heir(party, None))
        else:
            ring.revoke(kid)

    def _kid(self, party: Party, name: str) -> str:
        if name != "old":
            return name
        return party.old[-1] if party.old else party.issuer.ring.active.kid

    def requests(self) -> dict[str, int]:
        """Return how many requests the main integration's IdP has seen so far, by endpoint."""
        return {"jwks": self.lab.idp.requests(self.parties[MAIN].path, "jwks")}


def _token_of(action: object) -> TokenSpec | None:
    token = getattr(action, "token", None)
    return token if isinstance(token, model.TokenSpec) and token.persona is not None else None


def _letters(spec: IntegrationSpec) -> list[str]:
    if spec.published is not None:
        return spec.published
    letters: list[str] = []
    for item in spec.certificates or ():
        names = [item] if isinstance(item, str) else item.bundle or [item.key or "a"]
        letters += [name for name in names if name not in letters and name != "weak"]
    return letters or ["a"]


def _public_keys(party: Party) -> list[dict[str, Any]]:
    return [
        {"kid": party.issuer.kid(key), "pem": key.spki_pem().decode()}
        for key in party.issuer.ring.published()
    ]


def _said(value: Any) -> bool:
    return value is not UNSET and value is not None


def _given(value: Any, otherwise: Any) -> Any:
    return otherwise if value is UNSET else value


def _with_hmac(name: str, argument: Any, alg: str | None) -> Any:
    """Return the argument of an HMAC forgery with the algorithm of the cell."""
    if alg is None or not name.startswith("hmac_"):
        return argument
    member = "secret" if name == "hmac_with_secret" else "key"
    return {**argument, "alg": alg} if isinstance(argument, dict) else {member: argument, "alg": alg}

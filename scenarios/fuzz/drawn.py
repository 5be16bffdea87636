"""How Hypothesis draws cases from the grammar. The only module of the package that needs Hypothesis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from scenarios.files.yaml12 import ABSENT, Json
from scenarios.fuzz.case import Case, Part
from scenarios.fuzz.grammar import courses as over_time
from scenarios.fuzz.grammar import pools
from scenarios.fuzz.grammar.claims import claims
from scenarios.fuzz.grammar.forgeries import forgeries
from scenarios.fuzz.grammar.headers import headers
from scenarios.fuzz.grammar.key_sets import key_sets
from scenarios.fuzz.grammar.records import records, settings
from scenarios.fuzz.grammar.tokens import faults, tokens
from scenarios.fuzz.sweep import course, parts_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from hypothesis.strategies import SearchStrategy

    from scenarios.fuzz.grammar.ability import Ability

MAX_CHANGES = 3
"""So many parts of a token are not plain at most: with more of them, one fault hides the others."""
MAX_TURNS = 4
"""So often something changes in one case at most."""
MAX_ASKS = 3
"""So many tokens are sent after each change at most."""


def setting(ability: Ability, random: Random, alg: str) -> tuple[Part, ...]:
    """Return what is onboarded for a round of cases: mostly plain records, drawn from `random`."""
    parts = [Part("onboard", "alg", alg)]
    for name, pool in settings(ability).items():
        if random.random() < (0.5 if name == "custom_claim" else 0.12):
            parts.append(Part("onboard", name, random.choice(pool)))
    if not ability.library and random.random() < 0.4:
        parts.append(Part("other", "onboarded", random.random() < 0.7))
    return tuple(parts)


def token_cases(ability: Ability, parts: Sequence[Part]) -> SearchStrategy[Case]:
    """Return the cases in one setting: a token with a few parts that are not plain."""
    alg = next(part.value for part in parts if part.name == "alg")
    custom = next((part.value for part in parts if part.name == "custom_claim"), None)
    changes = st.lists(_changes(ability, alg, custom), max_size=MAX_CHANGES)
    beside = st.sampled_from([(), *faults(ability)]) | st.just(())
    return st.builds(lambda fault, made: Case.of((*parts, *fault, *made)), beside, changes)


def key_cases(ability: Ability, alg: str) -> SearchStrategy[Case]:
    """Return cases about a JWKS with odd entries, and tokens by this key or that."""
    base = Part("onboard", "alg", alg)
    sets = st.sampled_from([Part("onboard", "jwks", one) for one in key_sets(ability, alg)])
    keys = st.sampled_from(
        [(), (Part("token", "key", "b"),), (Part("token", "key", "b"), Part("header", "kid", "a"))]
    )
    more = st.lists(_changes(ability, alg, None, of_keys=True), max_size=1)
    return st.builds(lambda one, key, made: Case.of((base, one, *key, *made)), sets, keys, more)


def record_cases(ability: Ability, alg: str) -> SearchStrategy[Case]:
    """Return cases about a record that may be refused."""
    base = Part("onboard", "alg", alg)
    changes = st.lists(st.sampled_from(parts_of("onboard", records(ability))), min_size=1, max_size=2)
    return changes.map(lambda made: Case.of((base, *made)))


def courses(ability: Ability, alg: str, custom: str | None) -> SearchStrategy[Case]:
    """Return cases of what happens over time: changes, waits and tokens in turn."""
    asks = st.lists(st.sampled_from(over_time.asks(ability)), min_size=1, max_size=MAX_ASKS)
    turns = st.lists(
        st.tuples(
            st.sampled_from(over_time.changes(ability)), st.sampled_from(over_time.waits(ability)), asks
        ),
        min_size=1,
        max_size=MAX_TURNS,
    )

    def made(
        begin: tuple[Part, ...], happens: list[tuple[tuple[Part, ...], tuple[Part, ...], list[Part]]]
    ) -> Case:
        steps = [step for change, wait, asked in happens for step in (*change, *wait, *asked)]
        return course(ability, alg, (*begin, *steps), custom)

    return st.builds(made, st.sampled_from(over_time.begins(ability)), turns)


def more(cases: Sequence[Case], ability: Ability) -> SearchStrategy[Case]:
    """Return cases of a corpus with one part more: what lay beside a find before may do so again."""
    algs = {part.value for case in cases for part in case.parts if part.dimension == "onboard alg"}
    alg = next(one for one in ability.algorithms if one in algs or not algs)
    changes = st.lists(_changes(ability, alg, None), min_size=1, max_size=1)
    return st.builds(lambda case, made: Case.of((*case.parts, *made)), st.sampled_from(list(cases)), changes)


def _changes(
    ability: Ability, alg: str, custom: str | None, *, of_keys: bool = False
) -> SearchStrategy[Part]:
    header = parts_of("header", headers(ability))
    if of_keys:
        return st.sampled_from([one for one in header if one.name in ("kid", "typ", "x5t", "jwk")])
    of_claims = parts_of("claim", claims(ability, custom))
    names = ("exp", "nbf", "iat", "iss", "aud", "sub", custom)
    main = [one for one in of_claims if one.name in names]
    rest = [*parts_of("forge", forgeries(alg)), *parts_of("token", tokens(ability))]
    texts = sorted({one.name for one in main} - {"exp", "nbf", "iat"})
    # One draw from a long list is what Hypothesis does fastest; what stands there twice comes twice as often.
    listed = st.sampled_from([*of_claims, *main, *header, *rest])
    composed = st.builds(Part, st.just("claim"), st.sampled_from(texts), _composed())
    return st.one_of(listed, listed, listed, listed, listed, listed, composed)


_TRUE_TEXTS = (
    pools.ISSUER,
    pools.OTHER_ISSUER,
    "api",
    "ann-sub",
    "bob-sub",
    "12345",
    "ann@contoso.example",
)


def _composed() -> SearchStrategy[Any]:
    """Return values that are put together: true texts with something around them, and shapes of them."""
    around = st.text(
        st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Z", "Cc", "Cf", "Co")), max_size=3
    )
    texts = st.builds(
        lambda before, text, after: before + text + after, around, st.sampled_from(_TRUE_TEXTS), around
    )
    leaves = st.one_of(
        texts, st.sampled_from(_TRUE_TEXTS), st.none(), st.booleans(), st.integers(-2, 2**70), _numbers()
    )
    shapes = st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(("sub", "value", "api", "0")), inner, max_size=2)
        ),
        max_leaves=4,
    )
    return shapes | st.just(ABSENT)


def _numbers() -> SearchStrategy[Json]:
    return st.from_regex(r"-?(0|[1-9][0-9]{0,4})(\.[0-9]{1,3})?([eE][-+]?[0-9]{1,2})?", fullmatch=True).map(
        Json
    )

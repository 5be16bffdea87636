"""The sweeps: every part alone, what changes over time, every fault beside each dimension; the seed decides the order.

Most bugs need one thing that is not plain, and many of the others are a check that is left out beside something
harmless. The sweeps find those in seconds to a minute, and leave what takes more to the rounds.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from scenarios.files.yaml12 import ABSENT
from scenarios.fuzz.case import OTHER, Case, Part
from scenarios.fuzz.grammar import courses as over_time
from scenarios.fuzz.grammar.claims import claims
from scenarios.fuzz.grammar.forgeries import forgeries
from scenarios.fuzz.grammar.headers import headers
from scenarios.fuzz.grammar.key_sets import key_sets, second_signer, typed_kids
from scenarios.fuzz.grammar.pools import NEAR
from scenarios.fuzz.grammar.records import records, settings
from scenarios.fuzz.grammar.tokens import faults, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scenarios.fuzz.grammar.ability import Ability
    from scenarios.fuzz.grammar.pools import Pool

CUSTOM_CLAIM: Final = "upn"
"""The custom claim of the integration whose tokens are swept."""


def sweep(ability: Ability, alg: str, seed: int) -> list[Case]:
    """Return the cases for tokens of an algorithm: tokens first, one setting after the other, then records."""
    random = Random(f"{seed}/sweep")  # noqa: S311 - the same order for the same seed
    base = Part("onboard", "alg", alg)
    plain, mapped = (base,), (base, Part("onboard", "custom_claim", CUSTOM_CLAIM))
    cases: list[Case] = []
    of_custom = parts_of("claim", claims(ability, CUSTOM_CLAIM))
    for setting, parts in ((plain, list(_of_tokens(ability, alg))), (mapped, of_custom)):
        random.shuffle(parts)
        cases += [Case.of((*setting, part)) for part in parts]
    for other in ability.families:
        if other != alg:
            own = Part("onboard", "alg", other)
            cases += [Case.of((own, part)) for part in parts_of("forge", forgeries(other))]
    of_records = list(_of_records(ability, base))
    random.shuffle(of_records)
    return cases + of_records


def pairs(ability: Ability, alg: str, seed: int) -> list[Case]:
    """Return each fault beside each dimension of a token: absent, and with another value; one setting after another."""
    random = Random(f"{seed}/pairs")  # noqa: S311 - the same order for the same seed
    base = Part("onboard", "alg", alg)
    cases = []
    for setting in ((base,), (base, Part("onboard", "custom_claim", CUSTOM_CLAIM))):
        custom = CUSTOM_CLAIM if len(setting) > 1 else None
        beside = list(_beside(ability, alg, custom, random))
        found = [Case.of((*setting, *fault, other)) for fault in faults(ability) for other in beside]
        random.shuffle(found)
        cases += found
    for other in parts_of("onboard", settings(ability)):
        cases += [Case.of((base, other, *fault)) for fault in faults(ability)]
    return cases


def courses(ability: Ability, alg: str, seed: int) -> list[Case]:
    """Return each change with each wait after it, and then a few tokens; the plain one and the kept one always."""
    random = Random(f"{seed}/courses")  # noqa: S311 - the same order for the same seed
    plain, kept = over_time.asks(ability)[:2]
    begin, others = over_time.begins(ability)[0], over_time.asks(ability)[2:]
    cases = []
    for change in over_time.changes(ability):
        for wait in over_time.waits(ability):
            asked = [plain, kept, *random.sample(others, min(_OTHER_ASKS, len(others)))]
            random.shuffle(asked)
            cases.append(course(ability, alg, (*begin, *change, *wait, *asked)))
    random.shuffle(cases)
    return cases


_OTHER_ASKS: Final = 4
"""So many tokens of other kinds are sent at the end of a course of the sweep."""


def course(ability: Ability, alg: str, steps: Iterable[Part], custom: str | None = None) -> Case:
    """Return a case of what happens over time, whose tokens outlive it."""
    steps = tuple(steps)
    parts = [Part("onboard", "alg", alg)]
    if "exp" in ability.checks:
        parts.append(over_time.LONG)
    if custom is not None:
        parts.append(Part("onboard", "custom_claim", custom))
    if any(OTHER in repr(step.value) for step in steps):
        parts.append(Part("other", "onboarded", True))  # noqa: FBT003 - as a table has it
    return Case.of(parts, steps)


def _beside(ability: Ability, alg: str, custom: str | None, random: Random) -> Iterator[Part]:
    of_alg = {name: pool for name, pool in forgeries(alg).items() if name in {"layout", "long_claim"}}
    for where, by_name in (
        ("claim", claims(ability, custom)),
        ("header", headers(ability)),
        ("token", tokens(ability)),
        ("forge", of_alg),
    ):
        for name, pool in by_name.items():
            values = [one for one in pool if one is not ABSENT]
            chosen = random.sample(values, min(2, len(values)))
            absent = [ABSENT] if len(values) < len(pool) else []
            yield from (Part(where, name, value) for value in (*chosen, *absent))


def parts_of(where: str, pools: Mapping[str, Pool]) -> list[Part]:
    """Return every value of every pool as a part."""
    return [Part(where, name, value) for name, pool in pools.items() for value in pool]


def _of_tokens(ability: Ability, alg: str) -> Iterator[Part]:
    yield from parts_of("claim", claims(ability, None))
    yield from parts_of("header", headers(ability))
    yield from parts_of("forge", forgeries(alg))
    yield from parts_of("token", tokens(ability))


def _of_records(ability: Ability, base: Part) -> Iterator[Case]:
    for pools in (records(ability), settings(ability)):
        yield from (Case.of((base, part)) for part in parts_of("onboard", pools))
    for alg in ability.families:
        own = Part("onboard", "alg", alg)
        for entries in key_sets(ability, alg):
            jwks = Part("onboard", "jwks", entries)
            yield Case.of((own, jwks))
            yield Case.of((own, jwks, Part("token", "key", second_signer(entries))))
        if alg == "RS256" and ability.jwks:  # everybody can sign for the exponent one (KEY-016)
            weak = Part("onboard", "jwks", ["a", {"key": "b", "members": {"e": "AQ"}}])
            anybody = Part("forge", "rsa_signature", "encoded_message")
            yield Case.of((own, weak, Part("token", "key", "b"), anybody))
    for published in (["a", "b"], ["b", "a"], ["a", "b", "c"]):  # whichever key signs, and wherever it stands
        keys = Part("onboard", "published", published)
        yield from (Case.of((base, keys, Part("token", "key", name))) for name in published)
    for entries, kid in typed_kids(ability):
        yield Case.of((base, Part("onboard", "jwks", entries), Part("header", "kid", kid)))
    yield from _of_leeways(ability, base)


def _of_leeways(ability: Ability, base: Part) -> Iterator[Case]:
    """Yield times around the bounds under every leeway that a record may have."""
    leeways = settings(ability).get("leeway_s", ())
    times = [
        Part("claim", name, value) for name in ("exp", "nbf") if name in ability.checks for value in NEAR
    ]
    for leeway_s in leeways:
        yield from (Case.of((base, Part("onboard", "leeway_s", leeway_s), part)) for part in times)

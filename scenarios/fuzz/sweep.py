"""The sweeps: every part of the grammar alone, and every fault beside each dimension; the seed decides the order.

Most bugs need one thing that is not plain, and many of the others are a check that is left out beside something
harmless. The sweeps find those in seconds to a minute, and leave what takes more to the rounds.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from scenarios.files.yaml12 import ABSENT
from scenarios.fuzz import grammar
from scenarios.fuzz.case import Case, Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from scenarios.fuzz.grammar import Ability

CUSTOM_CLAIM: Final = "upn"
"""The custom claim of the integration whose tokens are swept."""


def sweep(ability: Ability, alg: str, seed: int) -> list[Case]:
    """Return the cases for tokens of an algorithm: tokens first, one setting after the other, then records."""
    random = Random(f"{seed}/sweep")  # noqa: S311 - the same order for the same seed
    base = Part("onboard", "alg", alg)
    plain, mapped = (base,), (base, Part("onboard", "custom_claim", CUSTOM_CLAIM))
    cases: list[Case] = []
    tokens = list(_of_tokens(ability, alg))
    for setting, parts in (
        (plain, tokens),
        (mapped, parts_of("claim", grammar.claims(ability, CUSTOM_CLAIM))),
    ):
        random.shuffle(parts)
        cases += [Case.of((*setting, part)) for part in parts]
    records = [Case.of((base, part)) for part in parts_of("onboard", grammar.records(ability))]
    records += [Case.of((base, part)) for part in parts_of("onboard", grammar.settings(ability))]
    for other in _one_of_each_family(ability):
        own = Part("onboard", "alg", other)
        for entries in grammar.key_sets(ability, other):
            jwks = Part("onboard", "jwks", entries)
            signer = Part("token", "key", grammar.second_signer(entries))
            records += [Case.of((own, jwks)), Case.of((own, jwks, signer))]
        if other != alg:
            cases += [Case.of((own, part)) for part in parts_of("forge", grammar.forgeries(other))]
    random.shuffle(records)
    return cases + records


def pairs(ability: Ability, alg: str, seed: int) -> list[Case]:
    """Return each fault beside each dimension of a token: absent, and with another value; one setting after another."""
    random = Random(f"{seed}/pairs")  # noqa: S311 - the same order for the same seed
    base = Part("onboard", "alg", alg)
    cases = []
    for setting in ((base,), (base, Part("onboard", "custom_claim", CUSTOM_CLAIM))):
        custom = CUSTOM_CLAIM if len(setting) > 1 else None
        beside = list(_beside(ability, alg, custom, random))
        found = [
            Case.of((*setting, *(Part(*part) for part in fault), other))
            for _, fault in grammar.faults(ability)
            for other in beside
        ]
        random.shuffle(found)
        cases += found
    settings = parts_of("onboard", grammar.settings(ability))
    cases += [
        Case.of((base, other, *(Part(*part) for part in fault)))
        for other in settings
        for _, fault in grammar.faults(ability)
    ]
    return cases


def _beside(ability: Ability, alg: str, custom: str | None, random: Random) -> Iterator[Part]:
    pools = (
        ("claim", grammar.claims(ability, custom)),
        ("header", grammar.headers(ability)),
        ("token", grammar.tokens(ability)),
        (
            "forge",
            {name: pool for name, pool in grammar.forgeries(alg).items() if name in ("layout", "long_claim")},
        ),
    )
    for where, by_name in pools:
        for name, pool in by_name.items():
            values = [one for one in pool if one is not ABSENT]
            chosen = random.sample(values, min(2, len(values)))
            yield from (
                Part(where, name, value)
                for value in (*chosen, *([ABSENT] if len(values) < len(pool) else []))
            )


def _one_of_each_family(ability: Ability) -> list[str]:
    return list({name[:2]: name for name in reversed(ability.algorithms)}.values())


def parts_of(where: str, pools: Mapping[str, tuple[Any, ...]]) -> list[Part]:
    """Return every value of every pool as a part."""
    return [Part(where, name, value) for name, pool in pools.items() for value in pool]


def _of_tokens(ability: Ability, alg: str) -> Iterator[Part]:
    yield from parts_of("claim", grammar.claims(ability, None))
    yield from parts_of("header", grammar.headers(ability))
    yield from parts_of("forge", grammar.forgeries(alg))
    yield from parts_of("token", grammar.tokens(ability))

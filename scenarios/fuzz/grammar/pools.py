"""Values that come in many places: odd numbers, shapes, and texts that look like another one."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from scenarios.files.yaml12 import ABSENT, Json

ISSUER: Final = "https://idp.example.com"
OTHER_ISSUER: Final = "https://idp-2.example.com"

Pool: TypeAlias = tuple[Any, ...]
"""The values that there are for one dimension, as a table has them."""

NO_TEXT: Final[Pool] = (None, True, False, 0, 1, -1, 1.5, [], {}, [None], {"a": 1}, [[]], "")
SHAPES: Final[Pool] = (
    *(*NO_TEXT, ABSENT, "x", "true", "null", 12345, ["x", "y"], {"sub": "bob-sub"}),
    *map(Json, ("1e400", "-0", "NaN", "-Infinity")),
)
"""Values of every JSON type, and some that are none."""
FAR: Final[Pool] = (
    *("+20s", "+10m", "+20h", "+30d", "-20s", "-10m", "-1d"),
    *(0, 1, -1, 4102444800, 4102444800000, 2**31, 2**32, 2**53, 2**53 + 1, 2**63, 2**64, -(2**31), -(2**63)),
    *map(Json, ("4102444800.5", "4102444800.0", "4.1024448e9", "4.1024448E+9", "1e10", "1e300", "-1e300", "1e400")),
    *map(Json, ("-0", "-0.0", "0.0", "1e-400", '"4102444800"', '"1"', '" 4102444800"', '"+5m"', '"2100-01-01T00:00:00Z"')),
    *map(Json, ("NaN", "Infinity", "-Infinity", "04102444800", "+4102444800", "4_102_444_800", "0x7fffffff", "1.", ".5")),
    *(["4102444800"], [4102444800], {"value": 4102444800}, *NO_TEXT, ABSENT),
)  # fmt: skip
"""Times that are well clear of any leeway, in every way to write a number, and what is no time."""
NEAR: Final[Pool] = (
    "now",
    *(
        f"{sign}leeway_s {more}"
        for sign in ("", "-")
        for more in ("- 2s", "- 1s", "+ 0s", "+ 1s", "+ 2s", "+ 60s", "- 60s")
    ),
)
"""Times around the bounds, for those who obey a clock."""
ESCAPES: Final[Pool] = tuple(
    map(Json, (r'"\ud800"', r'"ann-sub\udc00"', r'"\ud83d\ude00"', r'"ann\u002dsub"'))
)
"""Texts with escapes: of half a surrogate pair, of a whole one, of what needs none."""


def twins(text: str) -> Pool:
    """Return texts that are another one, to somebody who compares carelessly, and shapes with the text in them."""
    return (
        text.upper(), text.capitalize(), text + "/", text + " ", " " + text, text + "\0", text + "\n", text[:-1],
        text[1:], text + "x", "x" + text, text + ".evil.example", text.replace("-", "_"), text.replace("e", "\u0435"),
        text.replace("i", "\u0131"), text + "\u200b", text + "\u0301", f'"{text}"', f"{text},{text}", text + text,
        text.replace("/", "%2F"), text.replace(":", "%3A"), text + "#", text + "?", text + ".", "*", ".*", "%", "",
        [text], [text, text], ["x", text], [text, "x"], [[text]], {text: text}, {"value": text}, [text, None], [1, text],
    )  # fmt: skip

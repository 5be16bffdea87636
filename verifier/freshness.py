"""How long a JWKS is fresh by its HTTP headers, and how it is asked whether it changed.

Must never let a header stretch the period or drive fetches faster than the floor (KEY-034).
"""

import re
from collections.abc import Mapping

_MAX_AGE = re.compile(r'max-age="?(\d{1,10})"?', re.IGNORECASE)
_STALE_AT_ONCE = re.compile(r"\b(?:no-store|no-cache|max-age)\b", re.IGNORECASE)
_STRONG_TAG = re.compile(r'"[!#-~]{0,254}"')
_HTTP_DATE = re.compile(r"[A-Za-z]{3}, [0-9A-Za-z: ]{1,60}GMT")


def fresh_for(headers: Mapping[str, str], *, least_s: float, most_s: float) -> float:
    """Return the seconds for which an answer is fresh (RFC 9111 sections 4.2 and 5.2), within the bounds.

    What says nothing is fresh for the most; what cannot be read, or must not be stored, for the least.
    """
    control = headers.get("cache-control", "")
    if not _STALE_AT_ONCE.search(control):
        return most_s
    directives = [part.strip() for part in control.split(",")]
    ages = [int(found[1]) for part in directives if (found := _MAX_AGE.fullmatch(part))]
    if not ages or {"no-store", "no-cache"} & {directive.lower() for directive in directives}:
        return min(least_s, most_s)
    age = headers.get("age", "0").strip()
    spent = int(age) if re.fullmatch(r"[0-9]{1,10}", age) else 0
    return max(min(least_s, most_s), min(min(ages) - spent, most_s))


def conditions(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the request headers that ask for a body only if it changed (KEY-035, RFC 9110 section 13.1).

    A weak ETag may stay the same where the keys did not, and is not used; a time is, where there is no ETag.
    """
    tag, time = headers.get("etag", ""), headers.get("last-modified", "")
    if tag:
        return {"If-None-Match": tag} if _STRONG_TAG.fullmatch(tag) else {}
    return {"If-Modified-Since": time} if _HTTP_DATE.fullmatch(time) else {}

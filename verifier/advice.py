"""What to do about a token that was rejected: one sentence for the person who debugs it.

Must never influence a verdict. It may name what is configured, and so is for the operator alone; a token's text is
shown only through `quoted`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from verifier.errors import RejectReason, TokenRejected, quoted
from verifier.header import JoseHeader
from verifier.integration import Integration
from verifier.key_source import FixedKeys
from verifier.register import Register

_GRAPH = (
    "00000003-0000-0000-c000-000000000000",
    "https://graph.microsoft.com",
    "https://graph.microsoft.com/",
)
_LISTED = 5
_CLOSE_CHARS = 100  # of a name that is compared with others


@dataclass(slots=True)
class Seen:
    """What is known of a token at the step that failed it; what comes later is None."""

    register: Register
    token: str | bytes
    header: JoseHeader | None = None
    claims: dict[str, Any] | None = None
    integration: Integration | None = None


def advice(rejected: TokenRejected, seen: Seen) -> str:
    """Say what to look at, or nothing where the reason says it all."""
    told = _BY_REASON.get(rejected.reason)
    return told(rejected, seen) if told else ""


def hint(check: str, seen: Seen) -> str:
    """Say of a step what is worth a look whether it passed or not, or nothing: that the custom claim is missing."""
    claims, integration = seen.claims, seen.integration
    if check != "user" or claims is None or integration is None:
        return ""
    name = integration.users.custom_claim
    if name is None or not integration.users.lacks_custom_claim(claims):
        return ""
    near = get_close_matches(name, [one[:_CLOSE_CHARS] for one in claims], n=1)
    meant = f" (did you mean {quoted(near[0])}?)" if near else ""
    return f"let the IdP send this claim, or correct its name at onboarding{meant}"


def _malformed(_: TokenRejected, seen: Seen) -> str:
    text = seen.token.decode("ascii", "replace") if isinstance(seen.token, bytes) else str(seen.token)
    dots = text.count(".")
    if text.strip().lower().startswith(("bearer", "authorization:")):
        return "leave out the word Bearer: it belongs to the header, and not to the token"
    if text != text.strip() or len(text.split()) > 1 or text[:1] in "\"'":
        return "a token has no spaces, line breaks or quotes: copy it without them"
    if "%" in text or "=" in text:
        return "it was encoded once more on its way (percent signs or padding): send it as the IdP made it"
    if dots == 0:
        return (
            "this is no JWT: some IdPs issue opaque tokens unless an API of your own is asked for as audience"
        )
    if dots == 4:
        return (
            "this is an encrypted token (JWE): let the IdP sign tokens for this API without encrypting them"
        )
    return "send the whole token as the IdP made it: three parts of base64url with dots between them"


def _algorithm(rejected: TokenRejected, seen: Seen) -> str:
    if rejected.detail.lower() == "alg 'none'":
        return "alg none means that nobody signed it, and is never taken: let the IdP sign with RS256, ES256 or EdDSA"
    if seen.integration is None:
        return "let the IdP sign with RS256, ES256 or EdDSA: a token without signature, or with an HMAC, is never taken"
    allowed = ", ".join(sorted(seen.integration.algorithms))
    return f"the integration allows {allowed}: let the IdP sign so, or list this algorithm when onboarding"


def _issuer(_: TokenRejected, seen: Seen) -> str:
    issuer = (seen.claims or {}).get("iss")
    configured = sorted({one.issuer for one in seen.register.all()})
    if not isinstance(issuer, str) or not configured:
        return "no integration is onboarded: onboard one with exactly this issuer" if not configured else ""
    if issuer in configured:
        return "activate the integration: until then none of its tokens is taken"
    for other in configured:
        if issuer.rstrip("/") == other.rstrip("/"):
            return f"{quoted(other)} is configured: the two differ by a slash at the end, and are compared exactly"
        if issuer.lower() == other.lower():
            return f"{quoted(other)} is configured: the two differ by letter case, and are compared exactly"
        if _entra_tenant(issuer) and _entra_tenant(issuer) == _entra_tenant(other):
            return (
                f"{quoted(other)} is configured: the same Entra tenant in its other version; set "
                "accessTokenAcceptedVersion in the API's manifest, or onboard this issuer"
            )
    near = get_close_matches(issuer[:500], configured, n=1) or configured[:_LISTED]
    return f"configured is {_some(near)}: compared letter by letter"


def _entra_tenant(issuer: str) -> str | None:
    for start in ("https://sts.windows.net/", "https://login.microsoftonline.com/"):
        if issuer.startswith(start):
            return issuer.removeprefix(start).partition("/")[0]
    return None


def _audience(_: TokenRejected, seen: Seen) -> str:
    claims = seen.claims or {}
    given = claims.get("aud")
    named = [one for one in (given if isinstance(given, list) else [given]) if isinstance(one, str)]
    if any(one in _GRAPH for one in named):
        return "this token is for Microsoft Graph: ask the IdP for a scope of this API instead of a Graph one"
    configured = sorted({one.audience for one in seen.register.all() if one.issuer == claims.get("iss")})
    return (
        f"the token's aud is {_some(named)}; for this issuer {_some(configured)} is configured: ask the IdP for a "
        "token for it"
        if configured
        else ""
    )


def _unknown_key(_: TokenRejected, seen: Seen) -> str:
    header, integration = seen.header, seen.integration
    if integration is None or header is None:
        return ""
    if header.kid is None:
        return "the token names no key, and several would do: let the IdP write a kid into the header"
    kids = [key.kid or "(no kid)" for key in integration.keys.current().keys]
    if header.kid in kids:
        return "the kid names several keys or one whose certificate is not valid now: let the IdP publish one key a kid"
    keys = integration.keys.current()
    unused = next((one for one in keys.faults if one.kid == header.kid), None)
    if unused:
        return f"the IdP publishes a key of this kid that is not used: {unused.why}"
    return _unpublished(header.kid, kids, certificates=isinstance(integration.keys, FixedKeys))


def _unpublished(kid: str, kids: list[str], *, certificates: bool) -> str:
    if certificates:
        if kids == ["(no kid)"]:
            return (
                f"a certificate was given without kid: name its kid: --certificate {quoted(kid)[1:-1]}=FILE"
            )
        return f"given are {_some(kids)}: compare the kids that were given with the certificates"
    return f"published are {_some(kids)}: compare the IdP's JWKS; a new key is read again after at most a few minutes"


def _bad_signature(_: TokenRejected, __: Seen) -> str:
    return "the token was changed or cut after it was signed, or another key is in use under this kid than is published"


def _expired(_: TokenRejected, __: Seen) -> str:
    return "get a new token; if it is new, compare the clocks of the IdP and of this machine"


def _not_yet(_: TokenRejected, __: Seen) -> str:
    return "compare the clocks: the IdP's is ahead of this machine's, or the token is for later"


def _no_user(rejected: TokenRejected, seen: Seen) -> str:
    claims, integration = seen.claims or {}, seen.integration
    if integration is None or rejected.claim is None:
        return ""
    value = claims.get(rejected.claim)
    if not isinstance(value, str):
        return ""
    same = [
        user.name for user in integration.users.users if (user.external_id or "").lower() == value.lower()
    ]
    if same:
        return f"the External ID of {quoted(same[0])} differs by letter case or by its claim: External IDs are exact"
    return f"give the user the External ID {quoted(value)}, exactly"


def _unavailable(_: TokenRejected, __: Seen) -> str:
    return "fetch the JWKS URL from this machine: it must answer 200 with a JWKS, over TLS that is trusted"


def _some(values: Iterable[str]) -> str:
    listed = [quoted(value) for value in values]
    rest = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    return ", ".join(listed[:_LISTED]) + rest if listed else "nothing"


def _saying(text: str) -> Callable[[TokenRejected, Seen], str]:
    return lambda _rejected, _seen: text


_BY_REASON: dict[RejectReason, Callable[[TokenRejected, Seen], str]] = {
    "malformed": _malformed,
    "algorithm_not_allowed": _algorithm,
    "unknown_key": _unknown_key,
    "bad_signature": _bad_signature,
    "header_not_allowed": _saying("an honest IdP does not write this: look at who made the token"),
    "expired": _expired,
    "not_yet_valid": _not_yet,
    "issuer": _issuer,
    "audience": _audience,
    "claim_missing": _saying("let the IdP put this claim into tokens for this API"),
    "claim_type": _saying("let the IdP write this claim as the standard has it"),
    "claim_value": _saying("look at this claim in the IdP: its value cannot be used as it is"),
    "token_type": _saying("send the access token for this API, and not a refresh, logout or other token"),
    "too_large": _saying(
        "let the IdP put less into the token, for instance fewer groups; or raise max_token_bytes"
    ),
    "no_user": _no_user,
    "user_inactive": _saying("activate the user"),
    "user_ambiguous": _saying("give each user an External ID of their own"),
    "unavailable": _unavailable,
}

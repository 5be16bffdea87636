"""Ask joserfc every vector that a library can be asked: `python run.py DIR`, DIR made by `touchstone export DIR`.

It needs joserfc and the exported files, and never Touchstone. It prints one JSON object of what came out; the README
beside it says how to judge with another library.
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

Json = dict[str, Any]

ABLE = {f"alg:{family}{size}" for family in ("RS", "PS", "ES") for size in (256, 384, 512)} | {
    *("alg:EdDSA", "keys:jwks", "clock"),
    *(f"check:{claim}" for claim in ("iss", "aud", "exp", "nbf", "iat")),
}
"""What joserfc can do, in the words of `requires`."""


def claims_of(step: Json, record: Json) -> Json:
    """Return the claims of a token that joserfc takes; raises `JoseError` for any other."""
    token = step["token"] if "token" in step else base64.b64decode(step["token_base64"])
    try:
        keys = KeySet.import_key_set(record["jwks"])
    except (JoseError, ValueError):
        keys = KeySet([])  # a set that the library refuses verifies nothing
    claims = jwt.decode(token, keys, algorithms=record["algorithms"]).claims
    requests = jwt.JWTClaimsRegistry(
        now=int(step["now"]),
        leeway=record["leeway_s"],
        iss={"essential": True, "value": record["issuer"]},
        aud={"essential": True, "value": record["audience"]},
    )
    requests.validate(claims)
    return claims


def user_of(claims: Json, record: Json, users: list[Json]) -> str | None:
    """Return the user that claims name: by the custom claim when it has a value, else by `sub`."""
    external_id = claims.get(record.get("custom_claim") or "sub") or claims.get("sub")
    return next((user["name"] for user in users if user["external_id"] == external_id), None)


def right_answers(expect: Json, knobs: Json) -> list[Json]:
    """Return what is right for a library that declares no knobs: where a standard leaves a choice, either."""
    if "knob" in expect and knobs[expect["knob"]]["library"] == "any":
        return [answer for case in expect["by_value"].values() for answer in right_answers(case, knobs)]
    answers: list[Json] = expect["any_of"]
    return answers


def ask(vector: Json, knobs: Json) -> tuple[str, bool]:
    """Return `pass`, `wrong`, `crash` or `not_applicable`, and whether the last token was taken."""
    onboarded = [step for step in vector["steps"] if step["do"] == "onboard"]
    ids = {step["integration"]["id"] for step in onboarded}
    if vector["scope"] != "library" or not set(vector.get("requires", ())) <= ABLE or len(ids) > 1:
        return "not_applicable", False
    record, users, taken = onboarded[0]["integration"], onboarded[0]["users"], False
    for step in vector["steps"]:
        if step["do"] == "onboard":
            record, users = step["integration"], step["users"]
        if step["do"] != "authenticate":
            continue
        try:
            answer = {"kind": "accept", "user": user_of(claims_of(step, record), record, users)}
        except JoseError:
            answer = {"kind": "reject"}
        except Exception:  # noqa: BLE001 - a library may let anything out, and none of it is a rejection
            return "crash", False
        taken = answer["kind"] == "accept"
        right = right_answers(step["expect"], knobs)
        if not any(answer["kind"] == r["kind"] and answer.get("user") == r.get("user") for r in right):
            return "wrong", taken
    return "pass", taken


def main(folder: Path) -> None:
    """Ask every vector and print what came out."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    files = dict.fromkeys(entry["file"] for entry in index["vectors"])
    read = [json.loads((folder / file).read_text(encoding="utf-8")) for file in files]
    vectors = {vector["id"]: vector for file in read for vector in file["vectors"]}
    asked = {name: ask(vector, index["knobs"]) for name, vector in vectors.items()}
    out: dict[str, list[str]] = {kind: [] for kind in ("pass", "fail", "warn", "unproven", "not_applicable")}
    for name, (came, taken) in asked.items():
        rule, control = vectors[name]["rules"][0], vectors[name].get("control")
        kind = {"wrong": "warn" if rule["level"] in {"SHOULD", "MAY"} else "fail", "crash": "fail"}.get(
            came, came
        )
        if kind == "pass" and control in asked and not taken and not asked[control][1]:
            kind = "unproven"  # a no whose yes was refused too proves nothing
        out[kind].append(name)
    counts = {kind: len(names) for kind, names in out.items()}
    print(json.dumps({"counts": counts, "fail": out["fail"], "warn": out["warn"]}, indent=1))  # noqa: T201 - its answer


if __name__ == "__main__":
    main(Path(sys.argv[1]))

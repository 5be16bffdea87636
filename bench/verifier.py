"""How fast `Verifier.authenticate` judges a token, next to other libraries in the same run.

`python bench/verifier.py [--rounds N] [--node DIR] [--scale]` takes turns through all of them, some milliseconds each,
for N rounds, and prints medians of the CPU time of one token, then each ratio that the project has a budget for, as the
median of the ratios of the single rounds with their least and greatest. `authenticate` does the complete job (parse,
signature, claims, mapping to a user); the others decode with algorithm, issuer and audience checked.

- *raw*: the signature alone, by `cryptography`, with everything prepared that can be
- *PyJWT*, *joserfc*, *Authlib*, *python-jose*: those that are installed (`pip install --group bench`)
- *jose*, *fast-jwt*: in Node, installed from npm into `--node` (a temporary folder unless named); left out with a
  line that says so where there is no node
- `--scale`: the same token with 10, 1,000 and 100,000 integrations, keys and users, and tokens of 1, 4 and 14 kB

How to run it: Linux, a core that nothing else uses, in an environment with the group `bench`. CPU time is what is
counted, so that another process on the machine disturbs it little; spreads above a tenth mean that it did all the same.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

sys.path.pop(0)  # this folder, in which this very script has the name of the package

from verifier import FetchResult, IntegrationRecord, Policy, User, Verifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Call = Callable[[], object]

ISSUER, AUDIENCE = "https://idp.example", "api"
CHUNK_S = 0.004
BUDGETS = {
    "RS256": {"PyJWT": 1.6, "raw": 0.55},
    "ES256": {"PyJWT": 1.25, "raw": 0.8},
}
"""How many tokens `authenticate` judges for each one of another, at least."""
NODE = """
import { readFileSync } from 'node:fs';
import { createVerifier } from 'fast-jwt';
import { importJWK, jwtVerify } from 'jose';
const { token, jwk, pem, alg, issuer, audience, rounds } = JSON.parse(readFileSync(0));
const key = await importJWK(jwk, alg);
const fast = createVerifier({ key: pem, algorithms: [alg], allowedIss: issuer, allowedAud: audience, cache: false });
const calls = {
  'jose': () => jwtVerify(token, key, { algorithms: [alg], issuer, audience }),
  'fast-jwt': () => fast(token),
};
const result = {};
for (const [name, call] of Object.entries(calls)) {
  for (let i = 0; i < 2000; i++) await call();
  const rates = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage(); const n = 300;
    for (let i = 0; i < n; i++) await call();
    const used = process.cpuUsage(before);
    rates.push((used.user + used.system) / n);
  }
  result[name] = rates;
}
console.log(JSON.stringify(result));
"""


class Signed:
    """One key and a token by it, in the shapes that the libraries want."""

    def __init__(self, alg: str, extra: dict[str, Any] | None = None) -> None:
        self.alg = alg
        self.private: Any = (
            rsa.generate_private_key(65537, 2048)
            if alg == "RS256"
            else ec.generate_private_key(ec.SECP256R1())
        )
        self.public = self.private.public_key()
        self.jwk = _jwk(self.public)
        self.pem = self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "sYNf0pairwise",
            "preferred_username": "ann@contoso.example",
            "iat": now,
            "nbf": now,
            "exp": now + 86400,
            "scp": "read write",
            "ver": "2.0",
            "tid": "7e5b1c2a-2222-4444-8888-9d3e5f7a1b2c",
            "oid": "1f0c9f0e-1111-4444-8888-0a1b2c3d4e5f",
            **(extra or {}),
        }
        self.message = b".".join(map(_b64, ({"alg": alg, "kid": "a", "typ": "JWT"}, claims)))
        self.signature = self._sign()
        self.token = f"{self.message.decode()}.{_b64(self._as_jws()).decode()}"

    def _sign(self) -> bytes:
        if self.alg == "RS256":
            return bytes(self.private.sign(self.message, padding.PKCS1v15(), SHA256()))
        return bytes(self.private.sign(self.message, ec.ECDSA(SHA256())))

    def _as_jws(self) -> bytes:
        if self.alg == "RS256":
            return self.signature
        r, s = decode_dss_signature(self.signature)
        return r.to_bytes(32) + s.to_bytes(32)

    def verify(self) -> None:
        """Check the signature and nothing else."""
        if self.alg == "RS256":
            self.public.verify(self.signature, self.message, padding.PKCS1v15(), SHA256())
        else:
            self.public.verify(self.signature, self.message, ec.ECDSA(SHA256()))


def _b64(data: bytes | dict[str, Any]) -> bytes:
    raw = data if isinstance(data, bytes) else json.dumps(data, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _number(value: int, width: int | None = None) -> str:
    return _b64(value.to_bytes(width or (value.bit_length() + 7) // 8)).decode()


def _jwk(public: Any) -> dict[str, str]:
    numbers = public.public_numbers()
    if isinstance(public, rsa.RSAPublicKey):
        return {"kty": "RSA", "kid": "a", "n": _number(numbers.n), "e": _number(numbers.e)}
    return {"kty": "EC", "crv": "P-256", "kid": "a", "x": _number(numbers.x, 32), "y": _number(numbers.y, 32)}


def onboarded(signed: Signed, integrations: int = 1, keys: int = 1, users: int = 1) -> Verifier:
    """Return a verifier that takes the token, among many of everything."""
    jwks = [signed.jwk, *({**signed.jwk, "kid": f"k{number}"} for number in range(1, keys))]
    body = json.dumps({"keys": jwks}).encode()
    policy = Policy(algorithms=(signed.alg,), jwks_max_bytes=1 << 30)
    verifier = Verifier(policy, fetch=lambda *_, **__: FetchResult(200, {}, body), spawn=lambda work: work())
    people = [User("ann", "ann@contoso.example"), *(User(f"u{one}", f"u{one}@x") for one in range(1, users))]
    for number in range(integrations):
        record = IntegrationRecord(
            id=f"i{number}",
            entity_id=f"urn:{number}",
            issuer=ISSUER,
            audience=f"api{number}" if number else AUDIENCE,
            custom_claim="preferred_username",
            jwks_uri="https://idp.example/jwks",
        )
        verifier.onboard(record, people if number == 0 else [])
    return verifier


def contenders(signed: Signed) -> dict[str, Call]:
    """Return what judges the token, by name; a library that is not installed is left out, and named."""
    verifier = onboarded(signed)
    made: dict[str, Call] = {"touchstone": lambda: verifier.authenticate(signed.token), "raw": signed.verify}
    for name, (module, make) in LIBRARIES.items():
        if find_spec(module) is None:
            print(f"left out: {name} is not installed (pip install --group bench)", file=sys.stderr)
        else:
            made[name] = make(signed)
    return made


def _pyjwt(signed: Signed) -> Call:
    import jwt

    wanted: Any = {"algorithms": [signed.alg], "audience": AUDIENCE, "issuer": ISSUER}
    return lambda: jwt.decode(signed.token, signed.public, **wanted)


def _joserfc(signed: Signed) -> Call:
    from joserfc import jwt
    from joserfc.jwk import import_key

    key = import_key(signed.jwk)  # type: ignore[arg-type]
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}
    )

    def call() -> None:
        registry.validate(jwt.decode(signed.token, key, algorithms=[signed.alg]).claims)

    return call


def _authlib(signed: Signed) -> Call:
    from authlib.jose import JsonWebKey, JsonWebToken

    key, reader = JsonWebKey.import_key(signed.jwk), JsonWebToken([signed.alg])
    options = {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": AUDIENCE}}
    return lambda: reader.decode(signed.token, key, claims_options=options).validate()


def _python_jose(signed: Signed) -> Call:
    from jose import jwt

    wanted: Any = {"algorithms": [signed.alg], "audience": AUDIENCE, "issuer": ISSUER}
    return lambda: jwt.decode(signed.token, signed.jwk, **wanted)


LIBRARIES: dict[str, tuple[str, Callable[[Signed], Call]]] = {
    "PyJWT": ("jwt", _pyjwt),
    "joserfc": ("joserfc", _joserfc),
    "Authlib": ("authlib", _authlib),
    "python-jose": ("jose", _python_jose),
}


def cost(call: Call, times: int) -> float:
    """Return the CPU time of one call in microseconds."""
    before = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - before) / times * 1e6


def in_turns(calls: dict[str, Call], rounds: int) -> dict[str, list[float]]:
    """Measure all calls in every round, each for some milliseconds."""
    times = {name: max(3, int(CHUNK_S / (cost(call, 20) / 1e6))) for name, call in calls.items()}
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(cost(call, times[name]))
    return found


@contextmanager
def node_folder(given: str | None) -> Iterator[Path | None]:
    """Give a folder with jose and fast-jwt in it, or None where there is no node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("left out: jose and fast-jwt need node and npm", file=sys.stderr)
        yield None
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(given or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "node_modules" / "fast-jwt").exists():
            install = [
                "npm",
                "install",
                "--no-audit",
                "--no-fund",
                "--prefix",
                str(folder),
                "jose",
                "fast-jwt",
            ]
            subprocess.run(install, check=True, capture_output=True)  # noqa: S603 - a fixed command
        (folder / "run.mjs").write_text(NODE, encoding="utf-8")
        yield folder


def in_node(folder: Path, signed: Signed, rounds: int) -> dict[str, list[float]]:
    """Measure the libraries of Node in a process of theirs."""
    asked = {
        "token": signed.token,
        "jwk": signed.jwk,
        "pem": signed.pem.decode(),
        "alg": signed.alg,
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "rounds": rounds,
    }
    script = json.dumps(asked).encode()
    command = ["node", "run.mjs"]
    ended = subprocess.run(command, cwd=folder, input=script, check=True, capture_output=True)  # noqa: S603 - fixed
    found: dict[str, list[float]] = json.loads(ended.stdout)
    return found


def report(alg: str, found: dict[str, list[float]]) -> bool:
    """Print one algorithm's figures and ratios; False if one is below its budget."""
    ours = found["touchstone"]
    print(
        f"{alg:<7}"
        + "  ".join(f"{name} {statistics.median(costs):.1f}" for name, costs in found.items())
        + "  (CPU us)"
    )
    kept = True
    for name, costs in found.items():
        if name == "touchstone":
            continue
        ratios = sorted(other / own for other, own in zip(costs, ours, strict=False))
        least = BUDGETS[alg].get(name)
        wanted = f"; at least {least}" if least else ""
        middle = statistics.median(ratios)
        kept = kept and (least is None or middle >= least)
        print(f"  authenticate / {name:<12} {middle:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}{wanted})")
    return kept


def scale(rounds: int) -> None:
    """Print how the cost of one token depends on how many there are of everything, and on its size."""
    signed = Signed("ES256")
    for what in ("integrations", "keys", "users"):
        calls: dict[str, Call] = {}
        for number in (10, 1_000, 1_024 if what == "keys" else 100_000):
            verifier = onboarded(signed, **{what: number})
            calls[f"{number:,}"] = partial(verifier.authenticate, signed.token)
        found = in_turns(calls, rounds)
        print(
            f"{what:<13}"
            + "  ".join(f"{n}: {statistics.median(costs):.1f}" for n, costs in found.items())
            + "  (CPU us)"
        )
    sized = {
        f"{size:,} B": Signed("ES256", {"groups": ["g" * 30] * (size // 33)})
        for size in (1_000, 4_000, 10_000)
    }
    calls = {name: partial(onboarded(one).authenticate, one.token) for name, one in sized.items()}
    found = in_turns(calls, rounds)
    print(
        "payload of    "
        + "  ".join(f"{n}: {statistics.median(costs):.1f}" for n, costs in found.items())
        + "  (CPU us)"
    )


def main() -> int:
    """Run the benchmark; 1 if a ratio is below its budget."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60, metavar="N")
    parser.add_argument("--node", metavar="DIR")
    parser.add_argument("--scale", action="store_true", help="how cost depends on numbers and sizes, too")
    options = parser.parse_args()
    kept = True
    with node_folder(options.node) as folder:
        for alg in BUDGETS:
            signed = Signed(alg)
            found = in_turns(contenders(signed), options.rounds)
            if folder:
                found |= in_node(folder, signed, options.rounds)
            kept = report(alg, found) and kept
    if options.scale:
        scale(max(5, options.rounds // 4))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

"""The test keys that ship with the package, so that a token can be made again byte for byte on any machine.

They are public and therefore worthless: nothing but a test may ever trust them. Each lies in
`fixed_keys/<family>/<name>.pem` as unencrypted PKCS#8; `python -m mock_idp.fixed_keys` makes those that are
missing and never touches one that is there, because every recorded token depends on it.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from mock_idp.keys import CURVES, PrivateKey, Signer, SigningKey, check_algorithm
from mock_idp.pss import sign_pss

_LETTERS = ("a", "b", "c", "d", "e", "f", "attacker")
_FEW = ("a", "b", "attacker")
_FOLDER = Path(__file__).with_suffix("")
_RSA_SIZES: Mapping[str, int] = {"rsa-2047": 2047, "rsa-3072": 3072, "rsa-4096": 4096, "weak": 1024}
"""RSA keys whose length is their point; all others have 2048 bits. KEY-016 has `weak` and `rsa-2047` refused."""
_RSA_EXPONENTS: Mapping[str, int] = {"rsa-e3": 3}
"""RSA keys whose public exponent is their point; all others have 65537."""
LEADING_ZERO = "leading-zero"
"""The P-256 key whose x begins with a zero byte, as one in 256 does (KEY-017)."""

FIXED_KEYS: Mapping[str, tuple[str, ...]] = {
    "rsa": (*_LETTERS, *_RSA_SIZES, *_RSA_EXPONENTS),
    "p-256": (*_LETTERS, LEADING_ZERO),
    "p-384": _FEW,
    "p-521": _FEW,
    "ed25519": _LETTERS,
}
"""The names of the shipped keys by family."""


def _family(alg: str) -> str:
    check_algorithm(alg)
    if alg in CURVES:
        return CURVES[alg][0].lower()
    return "ed25519" if alg.startswith("Ed") else "rsa"


class FixedKey(SigningKey):
    """A shipped key: it signs the same bytes in the same way each time, by PSS too, whose salt follows from them."""

    __slots__ = ()

    def _signer(self, alg: str) -> Signer:
        plain = super()._signer(alg)  # which knows what does not fit
        if not alg.startswith("PS"):
            return plain
        private, digest = self.private, f"sha{alg[2:]}"
        return lambda data: sign_pss(private, data, digest)


@cache
def fixed_key(name: str, alg: str = "RS256", *, kid: str | None = None) -> SigningKey:
    """Load a shipped key, for instance `fixed_key("a", "ES256")`; RS* and PS* share the RSA keys.

    Names are `a` to `f` and `attacker`; for RSA also `rsa-2047`, `rsa-3072`, `rsa-4096`, `rsa-e3` and, for RS256
    alone, `weak` (1024 bits); for P-256 also `leading-zero`. `kid` defaults to the name. `ValueError` for an
    unknown name or algorithm, naming those there are.
    """
    family = _family(alg)
    names = tuple(n for n in FIXED_KEYS[family] if n != "weak" or alg == "RS256")
    if name not in names:
        raise ValueError(f"no fixed key {name!r} for {alg}: there are {', '.join(names)}")
    return FixedKey(name if kid is None else kid, alg, _load(family, name))


@cache
def _load(family: str, name: str) -> PrivateKey:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # slow to import

    # The check skipped here costs 42 ms a key, and these keys were checked when they were made.
    pem = (_FOLDER / family / f"{name}.pem").read_bytes()
    return load_pem_private_key(  # type: ignore[return-value]  # the files hold no other kinds
        pem, None, unsafe_skip_rsa_key_validation=True
    )


def make_missing(folder: Path = _FOLDER) -> list[Path]:
    """Generate each key of `FIXED_KEYS` that has no file in `folder` yet, and list the files written."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    algs = {"rsa": "RS256", "ed25519": "EdDSA"} | {curve.lower(): alg for alg, (curve, _) in CURVES.items()}
    written = []
    for family, names in FIXED_KEYS.items():
        for name in names:
            file = folder / family / f"{name}.pem"
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                pem = _generated(name, algs[family]).private_bytes(
                    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
                )
                file.write_bytes(pem)
                written.append(file)
    return written


def _generated(name: str, alg: str) -> PrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa

    if name in _RSA_EXPONENTS:
        return rsa.generate_private_key(_RSA_EXPONENTS[name], 2048)
    if name in _RSA_SIZES:
        return rsa.generate_private_key(65537, _RSA_SIZES[name])
    while True:
        key = SigningKey.generate(alg, kid=name)
        if name != LEADING_ZERO or key.public_jwk()["x"].startswith("AA"):
            return key.private


if __name__ == "__main__":
    make_missing()

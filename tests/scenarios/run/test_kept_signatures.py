"""What one run signed, the next one reads; and makes again whenever anything about what was kept is odd."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_idp import fixed_key
from mock_idp.fixed_keys import FixedKey
from scenarios.stage.signatures import MAX_KEPT, Signatures

if TYPE_CHECKING:
    from pathlib import Path

KEY = fixed_key("a", "ES256")
TRUE = KEY.sign(b"data")
RSA = fixed_key("a", "RS256")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "touchstone"


def kept(*signed: bytes) -> None:
    signatures = Signatures()
    for data in signed:
        signatures.signature(KEY.private, "ES256", data)
    signatures.keep()


def no_signing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise AssertionError("it signs")

    monkeypatch.setattr(FixedKey, "sign", fail)


@pytest.mark.usefixtures("folder")
def test_what_was_signed_once_is_not_signed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kept(b"data", b"other")
    no_signing(monkeypatch)

    assert Signatures().signature(KEY.private, "ES256", b"data") == TRUE


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "name, alg, data", [("b", "ES256", b"data"), ("a", "ES384", b"data"), ("a", "ES256", b"datum")]
)
def test_another_key_algorithm_or_text_is_signed_anew(name: str, alg: str, data: bytes) -> None:
    kept(b"data")
    key = fixed_key(name, alg)

    assert Signatures().signature(key.private, alg, data) == key.sign(data)


@pytest.mark.usefixtures("folder")
def test_an_encoded_message_is_none_that_was_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = bytes(255) + b"\x07"
    first = Signatures()
    first.signature(RSA.private, "RS256", encoded)
    raw = first.of_encoded(RSA.private, encoded)
    first.keep()
    no_signing(monkeypatch)

    assert raw == RSA.sign_encoded(encoded) != first.signature(RSA.private, "RS256", encoded)
    assert Signatures().of_encoded(RSA.private, encoded) == raw


def test_runs_add_to_each_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(b"data")
    kept(b"other")
    (file,) = folder.iterdir()
    before = file.stat().st_mtime_ns
    kept(b"data")  # nothing new: nothing is written
    assert file.stat().st_mtime_ns == before

    no_signing(monkeypatch)
    for data in (b"data", b"other"):
        Signatures().signature(KEY.private, "ES256", data)


def test_no_more_is_kept_than_may_be(folder: Path) -> None:
    signatures = Signatures()
    for number in range(MAX_KEPT + 5):
        signatures.signature(fixed_key("a", "EdDSA").private, "EdDSA", b"%d" % number)
    signatures.keep()
    (file,) = folder.iterdir()

    assert MAX_KEPT * 64 < file.stat().st_size < (MAX_KEPT + 1) * 110


@pytest.mark.parametrize("damage", [b"", b"no message", b"\x81\xa1a\x01"])
def test_a_damaged_file_is_signed_over(folder: Path, damage: bytes) -> None:
    kept(b"data")
    (file,) = folder.iterdir()
    file.write_bytes(damage)

    kept(b"data")

    assert Signatures().signature(KEY.private, "ES256", b"data") == TRUE
    assert file.stat().st_size > 64


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_others_could_have_written_is_not_trusted(folder: Path, what: str) -> None:
    kept(b"data")
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes().replace(TRUE, bytes(64)))
    assert Signatures().signature(KEY.private, "ES256", b"data") == bytes(64)  # it is read, then
    (file if what == "file" else folder).chmod(0o777)

    assert Signatures().signature(KEY.private, "ES256", b"data") == TRUE


def test_a_key_that_is_no_rsa_key_signs_nothing_encoded() -> None:
    with pytest.raises(ValueError, match="'a' is no RSA key"):
        KEY.sign_encoded(b"data")

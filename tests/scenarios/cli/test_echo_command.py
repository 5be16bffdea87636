"""`touchstone echo`, and a gateway before it: one in Python that checks tokens and passes requests on."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import urllib3

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def url() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "scenarios", "echo"], stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout is not None
    ready = process.stdout.readline()
    yield ready.rpartition(" ")[2].strip()
    process.terminate()
    process.communicate(timeout=30)


def bearer(claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"Bearer e30.{payload}.c2ln"


def test_it_answers_what_reached_it_and_the_claims_of_the_token(url: str) -> None:
    claims = {"iss": "https://idp.example.com", "sub": "ann-sub"}
    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request(
            "POST", f"{url}/x?y=z", headers={"Authorization": bearer(claims), "X-User": "ann"}, body=b"abc"
        )
        told = answer.json()

    assert (answer.status, told["method"], told["path"]) == (200, "POST", "/x?y=z")
    assert told["headers"]["x-user"] == "ann"
    assert told["claims"] == claims


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer a.b.c", "Basic YTpi", "Bearer e30." + "W" * 400_000 + ".x"]
)
def test_what_is_no_token_has_no_claims(url: str, value: str) -> None:
    value = value if len(value) < 60_000 else value[:60_000]
    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request("GET", url, headers={"Authorization": value})

    assert (answer.status, answer.json()["claims"]) == (200, None)


def test_content_that_is_too_large_is_refused(url: str) -> None:
    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request("POST", url, headers={"Content-Length": "99999999999"}, body=b"")

    assert answer.status == 413

"""What all tests share, and which of them belong to sessions of their own (noxfile.py)."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

collect_ignore_glob = [
    pattern
    for pattern, variable in (
        ("*_browser.py", "TOUCHSTONE_CHROMIUM"),
        ("*_npm.py", "TOUCHSTONE_NODE_CLIENTS"),
        ("*_gateways.py", "TOUCHSTONE_ENVOY"),
        ("*_published_vectors.py", "TOUCHSTONE_VECTORS"),
        ("*_locust.py", "TOUCHSTONE_LOCUST"),
    )
    if variable not in os.environ
]
"""`nox -s browser`, `clients`, `gateways`, `load` and `vectors` set these; what they need is large, or not on PyPI."""


_CACHE = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Run pytest without the plugins of other tests here, which are four fifths of its start.

    It has a home of its own, and the catalogue would be read there each time instead of taken from the cache folder.
    """
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:schemathesis -p no:faker -p no:hypothesispytest")
    monkeypatch.setenv("XDG_CACHE_HOME", _CACHE)
    return pytester


for name in (
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
):  # a pipeline of the project's own is no subject of its tests
    os.environ.pop(name, None)

"""What all tests share, and which of them belong to sessions of their own (noxfile.py)."""

import os

pytest_plugins = ["pytester"]

collect_ignore_glob = [
    pattern
    for pattern, variable in (
        ("*_browser.py", "TOUCHSTONE_CHROMIUM"),
        ("*_npm.py", "TOUCHSTONE_NODE_CLIENTS"),
        ("*_gateways.py", "TOUCHSTONE_ENVOY"),
        ("*_published_vectors.py", "TOUCHSTONE_VECTORS"),
    )
    if variable not in os.environ
]
"""`nox -s browser`, `clients`, `gateways` and `vectors` set these; what they need is large, or not on PyPI."""

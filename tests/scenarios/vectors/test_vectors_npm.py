"""The vectors through jose (npm), without Python on the reading side.

It runs where `nox -s clients` has installed jose and says so in TOUCHSTONE_NODE_CLIENTS.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

READER = Path(__file__).parents[3] / "examples" / "vectors" / "run.mjs"
INSTALLED = Path(os.environ["TOUCHSTONE_NODE_CLIENTS"])

KNOWN = {
    "format/base64url/": "decodes with Buffer, which passes over padding, blanks and line breaks (RFC 7515 §2)",
    "format/size/exp-overflow": "takes a number beyond the range of a date",
    "keys/weak/": "leaves weak and broken keys to WebCrypto, which takes some and throws its own errors for others",
}
"""How jose 6 differs, each found true by hand: group or vector, and why."""


def test_jose_in_node_reads_every_vector_and_differs_only_where_it_is_known_to(exported: Path) -> None:
    script = shutil.copy(READER, INSTALLED)  # node resolves packages from where the script lies

    command = ["node", script, str(exported)]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)

    assert (ran.returncode, ran.stderr) == (0, "")
    out = json.loads(ran.stdout)
    count = json.loads((exported / "index.json").read_text(encoding="utf-8"))["count"]
    assert sum(out["counts"].values()) == count
    assert out["counts"]["pass"] > 900
    assert "format/base64url/padded-header" in out["accepted"]
    different = [*out["fail"], *out["warn"], *out["unproven"]]
    assert [name for name in different if not name.startswith(tuple(KNOWN))] == []

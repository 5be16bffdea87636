"""openid-client and jose (npm) over real HTTP.

They run where `nox -s clients` has installed them and says so in TOUCHSTONE_NODE_CLIENTS; elsewhere the test is
skipped with that reason.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mock_idp import Issuer, KeyRing, MockIdP, fixed_key, persona
from mock_idp.oauth.clients import Client
from mock_idp.serve import serve

SCRIPT = Path(__file__).parent / "clients" / "openid_client.mjs"
INSTALLED = os.environ.get("TOUCHSTONE_NODE_CLIENTS")
BACK = "https://app.example/back"


@pytest.mark.skipif(INSTALLED is None, reason="the npm clients are installed by `nox -s clients`")
def test_openid_client_and_jose_go_through_everything() -> None:
    idp = MockIdP()
    client = Client("app", "s: %cret", redirect_uris=(BACK,), post_logout_redirect_uris=(BACK,))
    folder = Path(INSTALLED or "")
    script = shutil.copy(SCRIPT, folder)  # node resolves packages from where the script lies

    with serve(idp) as running:
        url = f"{running.url}/t"
        issuer = Issuer(persona("generic"), KeyRing([fixed_key("a")]), issuer=url)
        issuer.clients["app"] = client
        idp.add_issuer("/t", issuer)
        command = ["node", script, url, "app", "s: %cret", BACK]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "name": "Ann",
        "me": "ann",
        "rotated": True,
        "reused": "invalid_grant",
        "machine": "app",
        "active": [True, False],
        "device": "cleo",
        "left": f"{BACK}?state=bye",
    }

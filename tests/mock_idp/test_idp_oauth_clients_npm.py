"""openid-client and jose (npm) over real HTTP.

They run where `nox -s clients` has installed them and says so in TOUCHSTONE_NODE_CLIENTS.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from mock_idp import Issuer, KeyRing, MockIdP, fixed_key, persona
from mock_idp.oauth.clients import Client
from mock_idp.serve import serve

SCRIPT = Path(__file__).parent / "clients" / "openid_client.mjs"
INSTALLED = Path(os.environ["TOUCHSTONE_NODE_CLIENTS"])
BACK = "https://app.example/back"


def test_openid_client_and_jose_go_through_everything() -> None:
    idp = MockIdP()
    client = Client("app", "s: %cret", redirect_uris=(BACK,), post_logout_redirect_uris=(BACK,))
    script = shutil.copy(SCRIPT, INSTALLED)  # node resolves packages from where the script lies

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

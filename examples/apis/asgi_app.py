"""A plain ASGI app behind the verifier: `uvicorn asgi_app:app` (set IDP_ISSUER and IDP_JWKS)."""

import json
import os

from verifier import IntegrationRecord, Policy, User, Verifier
from verifier.gate import Gate
from verifier.hooks.asgi import BearerAuth, Message, Receive, Send

verifier = Verifier(
    Policy(algorithms=("ES256",), allow_local_jwks=True)
)  # a local JWKS is for trying out alone
verifier.onboard(
    IntegrationRecord(
        id="example",
        entity_id="urn:example:idp",
        issuer=os.environ["IDP_ISSUER"],
        audience="api",
        jwks_uri=os.environ["IDP_JWKS"],
    ),
    [User("ann", os.environ["ANN"])],
)


async def hello(scope: Message, _receive: Receive, send: Send) -> None:
    body = json.dumps({"hello": scope["identity"].user if "identity" in scope else "world"}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


app = BearerAuth(hello, Gate(verifier), public=frozenset({"/health"}))

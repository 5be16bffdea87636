"""A FastAPI app with a protected route: `uvicorn fastapi_app:app` (set IDP_ISSUER and IDP_JWKS)."""

import os
from typing import Annotated

from fastapi import Depends, FastAPI

from verifier import Identity, IntegrationRecord, Policy, User, Verifier
from verifier.gate import Gate
from verifier.hooks.fastapi import bearer_auth

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
app = FastAPI()
Caller = Annotated[Identity, Depends(bearer_auth(Gate(verifier)))]


@app.api_route("/hello", methods=["GET", "POST"])
async def hello(caller: Caller) -> dict[str, str]:
    return {"hello": caller.user}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"hello": "world"}

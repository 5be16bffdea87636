"""A Flask app behind the verifier: `flask --app flask_app run` (set IDP_ISSUER and IDP_JWKS)."""

import os

from flask import Flask, request

from verifier import IntegrationRecord, Policy, User, Verifier
from verifier.gate import Gate
from verifier.hooks.wsgi import BearerAuth

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
app = Flask(__name__)
app.wsgi_app = BearerAuth(app.wsgi_app, Gate(verifier), public=frozenset({"/health"}))  # type: ignore[method-assign]


@app.route("/hello", methods=["GET", "POST"])
def hello() -> dict[str, str]:
    return {"hello": request.environ["touchstone.identity"].user, **request.form}


@app.get("/health")
def health() -> dict[str, str]:
    return {"hello": "world"}

"""What a customer sends to set up an integration, as it came.

Must never be logged or kept as it came: a sample token is a credential (ONB-036), and a private key may be anywhere
(ONB-015).
"""

from collections.abc import Callable
from dataclasses import dataclass

from verifier.certificates import holds_private_key
from verifier.errors import OnboardingRefused

Warn = Callable[[str], None]
"""Takes a sentence for the customer to read: what was accepted and is odd all the same."""


@dataclass(frozen=True, slots=True)
class IntegrationRecord:
    """What a customer sends; records come from JSON, so every value may be of any type.

    `issuer`, `audience`: a string, or a list where the policy takes several; of two lists the first goes with
    the first (ONB-028). `certificates`: a list of CertificateFile; `selected`: a list of kids, None if
    nothing was said; `public_keys`: a list of CertificateFile that hold bare keys, refused unless the policy
    takes them (ONB-013); `algorithms`: a list of JWA names, None for the policy's; `leeway_s`: seconds;
    `aud_from`: `aud` or `client_id`, None for the policy's (IDP-014); `active`: whether tokens count from now
    on, None for the state that the integration has, a new one is active (ONB-042). All others are strings or
    None.
    """

    id: object
    entity_id: object = None
    idp_name: object = None
    issuer: object = None
    audience: object = None
    sample_token: object = None
    algorithms: object = None
    custom_claim: object = None
    leeway_s: object = None
    jwks_uri: object = None
    ca_file: object = None
    certificates: object = ()
    selected: object = None
    public_keys: object = None
    aud_from: object = None
    active: object = None


def check_no_secret(record: IntegrationRecord) -> None:
    """Look for a private key in every field of text (ONB-015)."""
    for field in (
        "id",
        "entity_id",
        "idp_name",
        "issuer",
        "audience",
        "custom_claim",
        "jwks_uri",
        "sample_token",
    ):
        value = getattr(record, field)
        if isinstance(value, str) and holds_private_key(value):
            detail = f"{field}: a private key was sent, which is compromised now: replace it at your IdP"
            raise OnboardingRefused("private_key", detail, field)

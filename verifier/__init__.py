"""Touchstone's reference verifier: onboard an IdP, authenticate its tokens.

Start reading at `verifier.verifier.Verifier.authenticate`.
"""

import logging

from verifier.certificates import CertificateFile
from verifier.errors import (
    FetchError,
    OnboardingAsked,
    OnboardingRefused,
    TokenRejected,
    VerifierError,
    WouldWait,
)
from verifier.fetch import Fetch, FetchResult
from verifier.jws import verify_jws, verify_signature
from verifier.mapping import User
from verifier.onboarding import IntegrationRecord
from verifier.policy import Policy
from verifier.verifier import Identity, Onboarded, Verifier

__all__ = [
    "CertificateFile",
    "Fetch",
    "FetchError",
    "FetchResult",
    "Identity",
    "IntegrationRecord",
    "Onboarded",
    "OnboardingAsked",
    "OnboardingRefused",
    "Policy",
    "TokenRejected",
    "User",
    "Verifier",
    "VerifierError",
    "WouldWait",
    "verify_jws",
    "verify_signature",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())  # whoever runs it decides where its words go

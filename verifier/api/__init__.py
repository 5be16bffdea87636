"""The reference verifier as a protected API: an ASGI app, its admin API, and its state.

Start reading at `verifier.api.app`.
"""

from verifier.api.app import Api, create_app
from verifier.api.registry import Registry, UnknownIntegration
from verifier.api.state import StateError, StateFile

__all__ = ["Api", "Registry", "StateError", "StateFile", "UnknownIntegration", "create_app"]

"""Protects APIs of your own by the verifier: one module a kind of framework, each a few lines over `Gate`.

Nothing here is imported unless asked for; FastAPI and Flask are not needed by the package.
"""

"""Targets: the messages they understand and the adapters that carry them. Nothing here judges an answer."""

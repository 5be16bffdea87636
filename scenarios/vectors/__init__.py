"""Static vectors: the scenarios that need no server, as JSON files for people who want no harness.

Everything is fixed (clock, keys, tokens), so that an export is the same byte for byte wherever it is made. Nothing
here judges, and nothing here talks to a target.
"""

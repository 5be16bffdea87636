"""Scenario tables: reading, checking and resolving them. Nothing here talks to a target."""

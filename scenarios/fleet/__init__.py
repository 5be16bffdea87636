"""Fleets, simulated: many nodes with the reference key source, under a virtual clock, while an IdP rotates its keys.

`plan` says what there is and what is to happen, `simulate` lets it happen, `overlap` says how long two keys must be
published together, and `rehearsal` puts the figures together. Nothing here may sleep, open a socket or start a thread.
"""

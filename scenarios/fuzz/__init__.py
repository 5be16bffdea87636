"""Differential fuzzing: cases that nobody wrote into a table, put to a target and to the reference verifier.

`case.py` says what a case is, `grammar.py` which there are and `drawn.py` how Hypothesis draws them; `stand.py` plays
one, `oracle.py` says what is right, `differences.py` what a difference is and by which rule, `reduce.py` makes it
small, and `hunt.py` does all that until its time is over. `row.py` writes a difference as a row of a table.
"""

"""The catalogue put to the test: flawed copies of the reference verifier, and what the scenarios find of each flaw.

The verifier knows nothing of it. Start reading at `mutant.py` (what a mutant is) and `matrix.py` (who is asked what).
"""

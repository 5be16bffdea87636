"""What there is to draw from: for each dimension of a case the values that verifiers get wrong, and odd ones.

The plain values are the stage's own: issuer `https://idp.example.com`, audience `api`, kid `a`, subject `ann-sub`. A
dimension that nobody who is asked could judge is left out (`ability.py`): it would only cost time.
"""

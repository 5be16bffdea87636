"""Files that people write (tables, target files, baselines): reading them, and saying what is wrong and where.

Nothing here knows what the files are for.
"""

"""`touchstone check-target`: whether a target can be asked at all, and what its author has to change."""

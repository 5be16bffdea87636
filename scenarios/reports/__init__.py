"""Reports: what people and machines read of a run. Nothing here judges; it only shows."""

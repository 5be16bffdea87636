"""The HTTP adapter: a running API or gateway as a target, asked with raw bytes over real connections."""

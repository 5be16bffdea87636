"""How long the wild tests look: the default number of examples, or `--hypothesis-profile=long` for runs of an hour."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "long",
    max_examples=20_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

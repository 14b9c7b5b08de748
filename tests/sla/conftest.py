"""Settings of the property tests in this folder."""

from hypothesis import settings

# Hypothesis times each example by the wall clock; on a machine that is busy with something else that finds nothing.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

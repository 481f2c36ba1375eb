"""How many examples a property is given that needs more, or fewer, than the others."""

from hypothesis import settings


def examples(share: float) -> int:
    """Return the profile's number of examples times `share`, and at least one."""
    return max(1, round(settings().max_examples * share))

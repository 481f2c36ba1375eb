"""Which acts need a second person: what ends a licence, excludes somebody, ends a thing, or says
which pieces of a forked journal's numbers there are."""

from collections.abc import Callable, Mapping
from typing import Any

_ALWAYS = frozenset(
    {
        ("licence", "revoked"),
        ("exclusion", "entered"),
        ("exclusion", "amended"),
        ("event", "destroyed"),
        ("gateway", "fork settled"),
    }
)
_BY_WHAT_IT_SAYS: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], bool]] = {
    # Each of these is the same by another way.
    ("screening", "decided"): lambda told: told["verdict"] == "same",
    ("article", "settled"): lambda told: told["disposition"] == "destroyed",
}


def is_needed(subject: str, what: str, payload: Mapping[str, Any]) -> bool:
    """Whether this act is done by nobody alone."""
    says = _BY_WHAT_IT_SAYS.get((subject, what))
    return (subject, what) in _ALWAYS or (says is not None and says(payload))

"""What a person types, held against the codes that are awaited. Pure.

Nobody can type the control characters that part a symbol's elements, and many scanners at the
keyboard drop them.
"""

import re
from collections.abc import Iterable

_ENVELOPE = re.compile(r"^\[\)>\d\d")
_DROPPED = re.compile(r"[\x00-\x20\x7f\u00b7\u241d\u241e]+")


def content_of(typed: str, awaited: Iterable[str]) -> str:
    """The awaited content that was typed, control characters and blanks aside.

    What fits none of them, or more than one, stays as it was typed.
    """
    bare = _bare(typed)
    found = {content for content in awaited if _bare(content) == bare}
    return found.pop() if len(found) == 1 else typed


def _bare(content: str) -> str:
    return _ENVELOPE.sub("", _DROPPED.sub("", content))

"""What a device is asked, and says, again and again is worked out once.

A status that is polled is the same frame most of the time. A codec is pure, so what it made of a
frame before is what it would make of it now.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")
_LATEST = 64


def remembered(work: Callable[_Given, _Made]) -> Callable[_Given, _Made]:
    """`work`, which is pure and takes and makes what cannot change, with its latest results kept.
    What it raised is raised anew.
    """
    return cast("Callable[_Given, _Made]", lru_cache(maxsize=_LATEST)(work))

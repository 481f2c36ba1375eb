"""What an order's report says on paper: words of one language, in the order in which they stand."""

from collections.abc import Sequence
from typing import TypedDict

Rows = Sequence[Sequence[str]]


class Sheet(TypedDict):
    """JSON can carry it. The tables' first row is their heads."""

    language: str
    title: str
    facts: Rows
    """Each a label and its words."""
    counts_title: str
    counts: Rows
    marks_title: str
    marks: Rows
    foot: str
    """Of every page."""

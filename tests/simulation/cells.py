"""Cells of the table faults × states that cannot be reached, each with its reason."""

from gateway.moves import Phase

UNREACHABLE: dict[str, dict[Phase, str]] = {}

"""Engravings for pictures, as a piece would carry them."""

from simulators.optics import Optics, see
from simulators.part import Engraving


def engraved(number: int, quality: float = 0.9, position: int = 1) -> Engraving:
    content = f"[)>\x1e06\x1d17V0CVA5\x1d1P1234-56\x1dS{number:06d}\x1e\x04"
    lines = ("0CVA5 1234-56", f"S {number:06d}")
    return Engraving(number, number, "bench", position, content, lines, quality, "laser", "2026")


def pictured(number: int, optics: Optics, quality: float = 0.9) -> bytes:
    return see([engraved(number, quality)], optics)

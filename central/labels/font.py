"""The label's typeface: how wide a text is, and what it cannot write.

Bitstream Vera, which comes with ReportLab and is embedded in the PDF, set nine tenths as wide. A
printer's own font 0 is bold and condensed, and narrower than that: what fits here fits there.
Unverified: that was not measured on a printer.
"""

import unicodedata
from functools import cache

from reportlab.pdfbase.ttfonts import TTFont

CONDENSED = 0.9
REGULAR, BOLD = "Vera", "VeraBd"
_OTHER = "?"


@cache
def font(bold: bool) -> TTFont:
    """As ReportLab has it."""
    name = BOLD if bold else REGULAR
    return TTFont(name, f"{name}.ttf")


def width(text: str, size: float, *, bold: bool) -> float:
    """In the unit of the size."""
    return float(font(bold).stringWidth(text, size, "utf-8")) * CONDENSED


@cache
def _drawn(character: str) -> str:
    """A letter that the typeface lacks loses its mark; where it lacks that too, it is lost."""
    glyphs = font(True).face.charToGlyph
    if character.isspace():
        return " "
    for form in (character, unicodedata.normalize("NFD", character)[:1]):
        if form and form.isprintable() and ord(form) in glyphs:
            return form
    return _OTHER


def drawable(text: str) -> str:
    """What can be written of a text, its spaces made single."""
    drawn = "".join(map(_drawn, unicodedata.normalize("NFC", text)))
    return " ".join(drawn.split())

"""An order's report on paper: a PDF of A4 pages, drawn here, so that no network is needed.

As a program it draws the sheet that comes as JSON on standard input onto standard output.
"""

import json
import os
import sys
from collections.abc import Sequence
from html import escape
from io import BytesIO
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    LongTable,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from gateway.screen.sheet import Rows, Sheet

_REGULAR, _BOLD = "Vera", "VeraBd"
"""Bitstream Vera, which comes with ReportLab and is embedded."""
_MARGIN = 16 * mm
_WIDTH = A4[0] - 2 * _MARGIN
_LINE = HexColor(0x9AA3AD)
_TEXT = ParagraphStyle("text", fontName=_REGULAR, fontSize=9, leading=12)
# A name that is too long goes on after its hyphen, not in the middle of a word.
_SMALL = ParagraphStyle("small", _TEXT, fontSize=6.5, leading=8.5, embeddedHyphenation=1)
_LABEL = ParagraphStyle("label", _TEXT, textColor=HexColor(0x4A5560))
_HEAD = ParagraphStyle("head", _TEXT, fontName=_BOLD, fontSize=10, leading=14, spaceBefore=10)
_TITLE = ParagraphStyle("title", _TEXT, fontName=_BOLD, fontSize=16, leading=20)
_RULED = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
)
_MARKS = (0.12, 0.26, 0.10, 0.12, 0.16, 0.16, 0.08)
"""Of the page's width: number, UII, component, state, time, operator, record."""


def draw(sheet: Sheet) -> bytes:
    """The same sheet gives the same bytes."""
    for name in (_REGULAR, _BOLD):
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
    file = BytesIO()
    document = BaseDocTemplate(
        file,
        pagesize=A4,
        title=sheet["title"],
        lang=sheet["language"],
        invariant=1,
        initialFontName=_REGULAR,
    )
    frame = Frame(_MARGIN, _MARGIN, _WIDTH, A4[1] - 2 * _MARGIN, 0, 0, 0, 0)

    def page(canvas: Canvas, _: Any) -> None:
        canvas.setFont(_REGULAR, 6.5)
        canvas.drawString(_MARGIN, _MARGIN / 2, sheet["foot"])
        canvas.drawRightString(A4[0] - _MARGIN, _MARGIN / 2, str(canvas.getPageNumber()))

    document.addPageTemplates(PageTemplate(frames=[frame], onPage=page))
    rows = [[_words(label, _LABEL), _words(words, _TEXT)] for label, words in sheet["facts"]]
    document.build(
        [
            _words(sheet["title"], _TITLE),
            Spacer(0, 4 * mm),
            Table(rows, colWidths=[_WIDTH * 0.25, _WIDTH * 0.75], style=_RULED),
            _words(sheet["counts_title"], _HEAD),
            _table(sheet["counts"], (0.4, 0.2, 0.2, 0.2), _TEXT),
            _words(sheet["marks_title"], _HEAD),
            _table(sheet["marks"], _MARKS, _SMALL),
        ]
    )
    return file.getvalue()


def _table(rows: Rows, shares: Sequence[float], style: ParagraphStyle) -> Flowable:
    heads, *others = rows
    drawn = [[_words(cell, _LABEL if style is _TEXT else _SMALL) for cell in heads]]
    drawn += [[_words(cell, style) for cell in row] for row in others]
    widths = [_WIDTH * share for share in shares]
    return LongTable(drawn, colWidths=widths, repeatRows=1, style=_RULED)


def _words(text: str, style: ParagraphStyle) -> Paragraph:
    printable = "".join(each if each.isprintable() else " " for each in text)
    return Paragraph(escape(printable), style)


if __name__ == "__main__":
    os.nice(10)  # stations come first
    sys.stdout.buffer.write(draw(json.load(sys.stdin)))

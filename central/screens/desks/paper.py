"""One of a desk on paper: what its page says, with its key as a symbol, as a PDF of A4 pages.

The symbol is a Data Matrix of the key alone, which a scanner types: an order is chosen by its
sheet, a licence or a consignment is looked up by its paper. What everybody may check has besides a
QR code of the public page that says whether it is real, for any telephone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import Any

from reportlab.graphics.shapes import Drawing, Rect
from reportlab.lib.colors import HexColor, black
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from central.labels.font import BOLD, REGULAR, drawable, font
from central.screens import qr
from central.screens.checking import Check
from central.screens.desks.showing import Shown
from central.screens.texts import Texts
from gateway.design.drawing import modules

MEDIA_TYPE = "application/pdf"
_MARGIN = 18 * mm
_WIDTH = A4[0] - 2 * _MARGIN
_SYMBOL = 24 * mm
_QR = 32 * mm
_QUIET = 4
"""Modules of light around a QR code, as ISO/IEC 18004 asks."""
_LINE = HexColor(0x9AA3AD)
# A code that is too long goes on after its hyphen, not in the middle of a word.
_TEXT = ParagraphStyle("text", fontName=REGULAR, fontSize=9, leading=12, embeddedHyphenation=1)
_SMALL = ParagraphStyle("small", _TEXT, fontSize=7, leading=9)
_LABEL = ParagraphStyle("label", _TEXT, textColor=HexColor(0x4A5560))
_HEAD = ParagraphStyle("head", _TEXT, fontName=BOLD, fontSize=10, leading=14, spaceBefore=8)
_TITLE = ParagraphStyle("title", _TEXT, fontName=BOLD, fontSize=16, leading=20)


@dataclass(frozen=True)
class Paper:
    """`title`: what it is; `key`: which; `state`: in a word; `told`: what is said of it; `foot`:
    who printed it and when; `check`: of what everybody may check."""

    title: str
    key: str
    state: str
    told: Sequence[tuple[str, Shown]]
    foot: str
    language: str
    check: Check | None = None


def draw(paper: Paper, d: Texts) -> bytes:
    """The same paper gives the same bytes."""
    for bold in (False, True):
        pdfmetrics.registerFont(font(bold))
    file = BytesIO()
    document = BaseDocTemplate(
        file,
        pagesize=A4,
        title=f"{paper.title} {paper.key}",
        lang=paper.language,
        invariant=1,
        initialFontName=REGULAR,
    )
    frame = Frame(_MARGIN, _MARGIN, _WIDTH, A4[1] - 2 * _MARGIN, 0, 0, 0, 0)

    def foot(canvas: Canvas, _: Any) -> None:
        canvas.setFont(REGULAR, 7)
        canvas.drawString(_MARGIN, _MARGIN / 2, drawable(paper.foot))
        page = d("Page {number}", number=canvas.getPageNumber())
        canvas.drawRightString(A4[0] - _MARGIN, _MARGIN / 2, drawable(page))

    document.addPageTemplates(PageTemplate(frames=[frame], onPage=foot))
    document.build(list(_story(paper, d)))
    return file.getvalue()


def _story(paper: Paper, d: Texts) -> Iterator[Flowable]:
    head = [
        _words(d("Register of armaments"), _LABEL),
        _words(f"{paper.title} {paper.key}", _TITLE),
        _words(paper.state, _HEAD),
    ]
    yield Table(
        [[head, _symbol(paper.key)]],
        colWidths=[_WIDTH - _SYMBOL, _SYMBOL],
        style=TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *_NO_PADDING]),
    )
    yield Spacer(0, 6 * mm)
    short = [each for each in paper.told if each[1].shape not in ("facts", "table")]
    yield _facts(short)
    for label, shown in paper.told:
        if shown.shape == "facts":
            yield _words(label, _HEAD)
            yield _facts(list(zip(shown.heads, shown.parts, strict=True)))
        elif shown.shape == "table":
            yield _words(label, _HEAD)
            yield _table(shown)
    if paper.check is not None:
        yield KeepTogether([_words(paper.check.title, _HEAD), _check(paper.check)])


_NO_PADDING = [
    (f"{side}PADDING", (0, 0), (-1, -1), 0) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")
]
_RULED = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
)


def _facts(told: Sequence[tuple[str, Shown]]) -> Flowable:
    rows = [[_words(label, _LABEL), _words(text_of(shown), _TEXT)] for label, shown in told]
    return (
        Table(rows, colWidths=[_WIDTH * 0.34, _WIDTH * 0.66], style=_RULED)
        if rows
        else Spacer(0, 0)
    )


def _table(shown: Shown) -> Flowable:
    heads = [_words(head, _SMALL) for head in shown.heads]
    rows = [[_words(text_of(cell), _SMALL) for cell in row] for row in shown.rows]
    return Table(
        [heads, *rows], colWidths=[_WIDTH / len(heads)] * len(heads), repeatRows=1, style=_RULED
    )


def text_of(shown: Shown) -> str:
    """What is read where there is no page: links and tags are their words."""
    if shown.shape in ("several", "facts"):
        return ", ".join(text_of(part) for part in shown.parts)
    return shown.text or "–"


def _check(check: Check) -> Flowable:
    said = [_words(check.says, _TEXT)]
    if not check.address:
        return said[0]
    return Table(
        [[_qr(check.address), [*said, _words(check.address, _SMALL)]]],
        colWidths=[_QR, _WIDTH - _QR],
        style=TableStyle([("VALIGN", (0, 0), (-1, -1), "MIDDLE"), *_NO_PADDING]),
    )


def _qr(content: str) -> Drawing:
    wide, dark = qr.runs(content)
    module = _QR / (wide + 2 * _QUIET)
    drawing = Drawing(_QR, _QR)
    for x, y, length in dark:
        left, foot = (x + _QUIET) * module, _QR - (y + _QUIET + 1) * module
        run = Rect(left, foot, length * module, module)
        run.fillColor, run.strokeColor = black, None
        drawing.add(run)
    return drawing


def _words(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(drawable(text)), style)


def _symbol(key: str) -> Drawing:
    """Module by module, with the quiet zone of one module that ISO/IEC 16022 asks for."""
    rows = modules(key)
    module = _SYMBOL / (len(rows) + 2)
    drawing = Drawing(_SYMBOL, _SYMBOL)
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            if value == 0:
                square = Rect((x + 1) * module, _SYMBOL - (y + 2) * module, module, module)
                square.fillColor, square.strokeColor = black, None
                drawing.add(square)
    return drawing

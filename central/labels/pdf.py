"""A layout as a PDF of one page, all vectors; its typeface is embedded.

Symbols are encoded by zxing-cpp and drawn bar by bar, module by module.
"""

from io import BytesIO
from itertools import groupby
from typing import Any

import zxingcpp
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from central.labels.font import BOLD, CONDENSED, REGULAR, font
from central.labels.layout import HEIGHT, WIDTH, Field, Linear, Matrix, Rule, Text
from gateway.design.drawing import modules

BASELINE = 0.78
"""Of a line's box, from its top."""
MEDIA_TYPE = "application/pdf"


def draw(fields: tuple[Field, ...], title: str, language: str) -> bytes:
    """The same fields give the same bytes."""
    for bold in (False, True):
        pdfmetrics.registerFont(font(bold))
    page = BytesIO()
    canvas = Canvas(
        page,
        (WIDTH * mm, HEIGHT * mm),
        invariant=1,
        lang=language,
        initialFontName=REGULAR,  # type: ignore[arg-type] # the stubs take it for a number
    )
    canvas.setTitle(title)
    for field in fields:
        match field:
            case Text():
                _text(canvas, field)
            case Rule():
                _rect(canvas, field.x, field.y, field.width, field.height)
            case Linear():
                _linear(canvas, field)
            case Matrix():
                _matrix(canvas, field)
    canvas.save()
    return page.getvalue()


def _text(canvas: Canvas, field: Text) -> None:
    name = BOLD if field.bold else REGULAR
    x = field.x
    if field.centred:
        taken = pdfmetrics.stringWidth(field.text, name, field.size) * CONDENSED
        x += (field.room - taken) / 2
    line = canvas.beginText(x * mm, (HEIGHT - field.y - BASELINE * field.size) * mm)
    line.setFont(name, field.size * mm)
    line.setHorizScale(CONDENSED * 100)
    line.textOut(field.text)
    canvas.drawText(line)


def _rect(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    canvas.rect(x * mm, (HEIGHT - y - height) * mm, width * mm, height * mm, stroke=0, fill=1)


def _linear(canvas: Canvas, field: Linear) -> None:
    value = f"(00){field.value[2:]}"
    code = zxingcpp.create_barcode(value, zxingcpp.BarcodeFormat.Code128, gs1=True)
    image: Any = code.to_image(scale=1, add_quiet_zones=False)
    row = memoryview(image).tobytes()[: image.shape[1]]
    for at, length in _runs(row):
        _rect(canvas, field.x + at * field.bar, field.y, length * field.bar, field.height)


def _matrix(canvas: Canvas, field: Matrix) -> None:
    for number, row in enumerate(modules(field.value)):
        for at, length in _runs(row):
            x, y = field.x + at * field.module, field.y + number * field.module
            _rect(canvas, x, y, length * field.module, field.module)


def _runs(row: bytes) -> list[tuple[int, int]]:
    """Where dark modules begin, and how many follow each other."""
    found, at = [], 0
    for dark, run in groupby(row, lambda value: value == 0):
        length = len(list(run))
        if dark:
            found.append((at, length))
        at += length
    return found

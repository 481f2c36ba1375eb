"""A file of rows, CSV or XLSX, as lines of texts; what it is, its first bytes say.

CSV is UTF-8, with a byte order mark or without; its cells are divided by semicolons, commas or
tabs, whichever its first line has most of. Of an XLSX the first sheet is read, formulas by the
values that were kept with them.
"""

import csv
import io
import logging
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NamedTuple
from xml.etree import ElementTree

from central.errors import Refused
from central.said import Word, said

log = logging.getLogger("central.imports")
MOST_LINES = 200_000
MOST_UNPACKED = 512 * 1024 * 1024
"""Of an XLSX, in bytes: a small file may unpack to a very large one."""
_XLSX = b"PK\x03\x04"
_DIVIDERS = ";,\t"
NO_CSV = "it is no CSV as it has to be"
CSV_FAULTS = (
    ("unexpected end of data", "a quotation mark opens a cell and is never closed"),
    ("expected after", "something stands between a closing quotation mark and the next divider"),
    ("field limit", "a cell is longer than 131072 characters"),
)
"""By what the `csv` module says, the first that fits, what people are told."""
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, ElementTree.ParseError, EOFError, OSError, RuntimeError),
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
)
"""What the reader of a sheet that is none, or is not whole, ends with."""


class Line(NamedTuple):
    """`number` is the file's own, counted from 1: that on which a row of several begins."""

    number: int
    cells: tuple[str, ...]


def lines(content: bytes) -> Iterator[Line]:
    """Those with anything in them, without blanks at either end of a cell. Raises `Refused`."""
    found = _sheet(content) if content.startswith(_XLSX) else _csv(content)
    for number, cells in found:
        if number > MOST_LINES:
            raise Refused(
                said(
                    "line {line}: a file has at most {most} lines; divide it",
                    line=number,
                    most=MOST_LINES,
                )
            )
        stripped = tuple(cell.strip() for cell in cells)
        if any(stripped):
            yield Line(number, stripped)


def _csv(content: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Refused(
            said("line {line}: that is not UTF-8; save it as CSV UTF-8", line=line)
        ) from error
    first = text.partition("\n")[0]
    divider = max(_DIVIDERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=divider, strict=True)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        line = max(begins, reader.line_num)
        log.info("line %d of a CSV: %s", line, error)
        fault = next((told for part, told in CSV_FAULTS if part in str(error)), NO_CSV)
        raise Refused(said("line {line}: {fault}", line=line, fault=Word(fault, "csv"))) from error


def _sheet(content: bytes) -> Iterator[tuple[int, list[str]]]:
    # A program that imports no sheet need not wait for what reads them.
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(each.file_size for each in packed.infolist())
    except _DAMAGED as error:
        raise _no_sheet(error) from error
    if unpacked > MOST_UNPACKED:
        raise Refused(said("the sheet is larger than 512 MiB once it is unpacked; divide it"))
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what a file says of its own size need not be true
            for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
                yield number, [_text(value) for value in row]
        finally:
            book.close()
    except _DAMAGED as error:
        raise _no_sheet(error) from error


def _no_sheet(error: Exception) -> Refused:
    log.info("no XLSX: %s: %s", type(error).__name__, error)
    return Refused(said("it is no XLSX that can be read; save it anew, or as CSV UTF-8"))


def _text(value: Any) -> str:
    """A cell as it would stand in a CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)

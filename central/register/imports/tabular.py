"""A file of rows, CSV or XLSX, as lines of texts; what it is, its first bytes say.

CSV is UTF-8, with a byte order mark or without; its cells are divided by semicolons, commas or
tabs, whichever its first line has most of. Of an XLSX the first sheet is read, formulas by the
values that were kept with them.
"""

import csv
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import NamedTuple

from central.errors import Busy, Refused
from central.register.imports import sheet
from central.said import Word, said

log = logging.getLogger("central.imports")
MOST_LINES = 200_000
MOST_UNPACKED = 128 * 1024 * 1024
"""Of an XLSX, in bytes: a small file may unpack to a very large one."""
MOST_SECONDS = 60
"""Of a core, to read an XLSX."""
AT_ONCE = 2
"""Sheets that are read at the same time; `WAIT_S`: so long another one waits for its turn."""
WAIT_S = 5.0
_AWAY_S = 5 * MOST_SECONDS
_reading = threading.BoundedSemaphore(AT_ONCE)
_XLSX = b"PK\x03\x04"
_DIVIDERS = ";,\t"
NO_CSV = "it is no CSV as it has to be"
CSV_FAULTS = (
    ("unexpected end of data", "a quotation mark opens a cell and is never closed"),
    ("expected after", "something stands between a closing quotation mark and the next divider"),
    ("field limit", "a cell is longer than 131072 characters"),
)
"""By what the `csv` module says, the first that fits, what people are told."""


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
    for line in io.BytesIO(_read_elsewhere(content)):
        number, cells = json.loads(line)
        yield number, cells


def _read_elsewhere(content: bytes) -> bytes:
    """What `sheet` says of the file, in a process of its own: reading one takes seconds of a core,
    and it may be made to take more. Raises `Busy` where others read already, or `Refused`."""
    limits = (MOST_LINES, MOST_UNPACKED, MOST_SECONDS)
    if not _reading.acquire(timeout=WAIT_S):
        raise Busy("other sheets are being read")
    try:
        done = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, "-I", sheet.__file__, *map(str, limits)],
            input=content,
            capture_output=True,
            timeout=_AWAY_S,
        )
    except subprocess.TimeoutExpired as error:
        raise Busy("the sheet was not read in time") from error
    finally:
        _reading.release()
    if done.returncode == 0:
        return done.stdout
    log.info("no XLSX: %d: %s", done.returncode, done.stderr.decode(errors="replace")[-500:])
    if done.returncode == sheet.DAMAGED:
        raise Refused(said("it is no XLSX that can be read; save it anew, or as CSV UTF-8"))
    # It ended itself, or was ended by a limit.
    raise Refused(
        said(
            "the sheet is larger than {most} MiB once it is unpacked; divide it, or save it as"
            " CSV UTF-8",
            most=MOST_UNPACKED // 2**20,
        )
    )

"""Read an XLSX in a process of its own, under limits: `python sheet.py LINES BYTES SECONDS`.

Standard input is the file. Standard output is the first sheet: a JSON array a line, of the row's
number and the texts of its cells; rows without anything in them are left out. It imports nothing of
the register, so that it starts quickly.
"""

import io
import json
import os
import resource
import sys
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from xml.etree import ElementTree

DAMAGED, TOO_LARGE = 3, 4
"""Exit codes, besides 0."""
MEMORY = 2**30
"""Bytes that the process may use."""
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, ElementTree.ParseError, EOFError, OSError, RuntimeError),
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
)
"""What the reader of a sheet that is none, or is not whole, ends with."""


class _TooLarge(Exception):
    """It unpacks to more than is allowed."""


def main(lines: int, most: int, seconds: int) -> int:
    """Copy at most one row more than `lines`: the caller refuses it, by its number."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.nice(10)
    try:
        _copy(sys.stdin.buffer.read(), lines, most)
    except (_TooLarge, MemoryError):
        return TOO_LARGE
    except _DAMAGED as error:
        sys.stderr.write(f"{type(error).__name__}: {error}")
        return DAMAGED
    return 0


def _copy(content: bytes, lines: int, most: int) -> None:
    written = 0
    for number, cells in _rows(content, most):
        if any(cells) or number > lines:
            line = json.dumps([number, cells]).encode() + b"\n"
            written += len(line)
            if written > most:  # a text that many cells share stands in the file once
                raise _TooLarge
            sys.stdout.buffer.write(line)
        if number > lines:
            break
    sys.stdout.buffer.flush()


def _rows(content: bytes, most: int) -> Iterator[tuple[int, list[str]]]:
    from openpyxl import load_workbook

    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        # More than its size in the directory is never unpacked of a part.
        if sum(each.file_size for each in packed.infolist()) > most:
            raise _TooLarge
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # what a file says of its own size need not be true
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        yield number, [_text(value) for value in row]


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


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

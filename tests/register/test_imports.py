"""Files of rows, read: what they are, and what is wrong in which cell."""

import io
import resource
import time
import zipfile
from contextlib import ExitStack
from datetime import date
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.xml.constants import SHEET_MAIN_NS

from central.errors import Busy, Refused
from central.register.imports import tabular
from central.register.imports.marks import folded
from central.register.imports.models import Fault, ImportKind, Sheet, StockArticle, StockLot
from central.register.imports.rows import Table
from central.screens.refusals import in_words
from tests.register.imported import PLANTED, VECTORS, csv, weapon

BY_THE_REGISTER = {"not-found", "not-of-holder", "repeated"}


def read(kind: ImportKind, content: bytes) -> tuple[dict[int, Sheet], list[Fault]]:
    rows: dict[int, Sheet] = {}
    faults: list[Fault] = []
    for line, row in Table(kind, content).rows():
        if isinstance(row, list):
            faults += row
        else:
            rows[line] = row
    return rows, faults


def one(**more: str) -> StockArticle:
    rows, faults = read("articles", csv([weapon(1, **more)]))
    assert faults == []
    row = rows[2]
    assert isinstance(row, StockArticle)
    return row


def sheet(*rows: tuple[Any, ...]) -> bytes:
    book = Workbook()
    page = book.active
    assert page is not None
    for row in rows:
        page.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def test_each_planted_fault_is_told_by_line_and_column() -> None:
    rows, faults = read("articles", (VECTORS / "armet.csv").read_bytes())
    told = [(each.line, each.column, each.position, each.code) for each in faults]
    assert told == [each for each in PLANTED if each[3] not in BY_THE_REGISTER]
    first = rows[2]
    assert isinstance(first, StockArticle)
    assert (first.maker, first.serial, first.marks) == (
        "Uzina Mekanike Gramsh",
        "GR 12345",
        "GR 12345; 1978",
    )
    assert (first.year, first.disposition, first.place) == (1978, "in-store", "DEP.1")
    third = rows[4]
    assert isinstance(third, StockArticle)
    assert (third.year, third.place) == (None, None)


def test_a_fault_says_what_would_be_right() -> None:
    _, (fault,) = read("articles", csv([weapon(1, year="61")]))
    assert fault.what == "'61' is not a year from 1800 to 2100, as 1974"
    _, (lacking,) = read("articles", csv([weapon(1, maker="")]))
    assert lacking.what == "it is empty, and has to hold a text of 1 to 200 characters"


@pytest.mark.parametrize("divider", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_however_a_spreadsheet_saves_it_it_is_the_same(divider: str, mark: bytes) -> None:
    content = mark + csv([weapon(1), weapon(2)]).replace(b",", divider.encode())
    crlf = content.replace(b"\n", b"\r\n")
    plain = read("articles", csv([weapon(1), weapon(2)]))
    assert read("articles", content) == read("articles", crlf) == plain


def test_a_sheet_is_read_as_a_csv_is() -> None:
    head = ["inventory", "maker", "model", "serial", "year", "holder", "disposition", "marks"]
    rows, faults = read(
        "articles",
        sheet(
            tuple(head),
            (17, "Zastava", "M70", 12345.0, 1974, "DEP", "in-store", date(1974, 5, 1)),
            (None,) * 8,
            ("18", "Zastava", True, "12346", 1974.5, "DEP", "në depo", None),
        ),
    )
    row = rows[2]
    assert isinstance(row, StockArticle)
    told = (row.inventory, row.serial, row.year, row.marks)
    assert told == ("17", "12345", 1974, "1974-05-01T00:00:00")
    assert [(each.line, each.column, each.position) for each in faults] == [(4, "year", 5)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no row"),
        (csv([]), "no row"),
        (b"\xff\xfe" + csv([weapon(1)]), "line 1: that is not UTF-8"),
        (csv([weapon(1)]) + b"D-2,Prodhim \xe7", "line 3: that is not UTF-8"),
        (csv([weapon(1)], "inventory,colour"), "'colour' is no heading"),
        (csv([weapon(1)], "inventory,Inventari"), "'Inventari' stands a second time"),
        (csv([weapon(1)], "inventory,maker,model,holder,disposition"), "no column serial"),
        (csv([weapon(1)]) + b'"open', "line 3: a quotation mark opens a cell and is never closed"),
        (csv([weapon(1)]) + b'"a"b,c', "line 3: something stands between a closing quotation mark"),
        (csv([weapon(1)]) + b"x" * 200_000, "line 3: a cell is longer than 131072 characters"),
        (b"PK\x03\x04 and no more", "no XLSX"),
    ],
)
def test_what_is_no_such_file_is_refused_as_a_whole(content: bytes, told: str) -> None:
    with pytest.raises(Refused, match=told) as caught:
        Table("articles", content)
    assert in_words(caught.value, "sq") not in (None, str(caught.value))


def test_a_small_sheet_that_unpacks_to_a_large_one_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tabular, "MOST_UNPACKED", 100_000)
    content = sheet(*[("same",) * 10] * 1000)
    assert len(content) < 100_000
    with pytest.raises(Refused, match="once it is unpacked"):
        list(tabular.lines(content))


def test_a_text_that_many_cells_share_counts_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabular, "MOST_UNPACKED", 100_000)
    content = sheet(*[("shared " * 100,)] * 1000)
    with pytest.raises(Refused, match="once it is unpacked"):
        list(tabular.lines(content))


def test_a_sheet_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabular, "MOST_SECONDS", 1)
    rows = "".join(f'<row r="{row}"><c r="ZZZ{row}"><v>1</v></c></row>' for row in range(1, 20_000))
    packed = io.BytesIO(sheet(("1",)))
    page = f"<worksheet xmlns='{SHEET_MAIN_NS}'><sheetData>{rows}</sheetData></worksheet>"
    file = zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED)
    with pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("xl/worksheets/sheet1.xml", page)
    file.close()
    assert len(packed.getvalue()) < 200_000
    with pytest.raises(Refused, match="divide it"):
        list(tabular.lines(packed.getvalue()))


def test_a_sheet_is_read_in_another_process() -> None:
    content = sheet(*[(str(number), "x") for number in range(20_000)])
    began = time.process_time()
    assert len(list(tabular.lines(content))) == 20_000
    ours = time.process_time() - began
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ours < 0.5 * (others.ru_utime + others.ru_stime)


def test_few_sheets_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabular, "WAIT_S", 0.0)
    content = sheet(("1",))
    with ExitStack() as reading:
        for _ in range(tabular.AT_ONCE):
            reading.enter_context(tabular._reading)
        with pytest.raises(Busy):
            list(tabular.lines(content))
    assert len(list(tabular.lines(content))) == 1


def test_lots_and_entities_have_columns_of_their_own() -> None:
    heading = "inventari;prodhuesi;tipi;partia;sasia;mbajtesi;gjendja"
    rows, faults = read(
        "lots", csv(["1;KMP;7.62x39;1-78;12000;DEP;ne depo", "2;KMP;9x19;2-78;0;DEP;x"], heading)
    )
    lot = rows[2]
    assert isinstance(lot, StockLot)
    assert (lot.lot, lot.quantity) == ("1-78", 12000)
    assert [(each.line, each.column) for each in faults] == [(3, "sasia"), (3, "gjendja")]
    rows, faults = read(
        "entities",
        csv(
            ["KMP;Kombinati;producer store;;L12345678A", "A/B;X;baker;;"],
            "kodi;emri;lloji;cage;nipt",
        ),
    )
    assert [(each.line, each.column) for each in faults] == [(3, "kodi"), (3, "lloji")]
    assert rows[2].model_dump()["kinds"] == ("producer", "store")


def test_its_code_is_that_of_the_inventory_it_stands_in() -> None:
    code = one().code
    assert code == one(serial="another", place="", year="").code
    assert code != one(inventory="D-2").code
    assert code != one(holder="UMG").code


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"serial": "s 000.001"}, True),
        ({"serial": "SOOO.OOI"}, True),
        ({"maker": "ZASTAVA"}, True),
        ({"maker": "Zàstava"}, True),
        ({"serial": "S000002"}, False),
        ({"model": "M57"}, False),
        ({"calibre": "9x19", "year": "1950"}, True),
    ],
)
def test_marks_are_equal_where_a_person_could_take_them_for_the_same(
    change: dict[str, str], same: bool
) -> None:
    assert (folded(one(**change)) == folded(one())) is same


def test_of_what_cannot_be_read_nothing_is_equal() -> None:
    assert folded(one(serial="?")) is None

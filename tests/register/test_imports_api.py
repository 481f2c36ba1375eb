"""Files of stock taken in by the real programs: once, however often and however broken off."""

import csv as reading
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.register.imported import GOOD_LINES, PLANTED, VECTORS, csv, large, weapon
from tests.support.register import Register
from tests.support.registry import Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened() as found:
        for code in ("DEP", "UMG"):
            found.post("/api/v1/entities", {"code": code, "name": f"Depoja {code}"})
        for code, entity in (("UMG.GR", "UMG"), ("DEP.1", "DEP")):
            found.post(
                "/api/v1/places", {"code": code, "name": code, "kind": "site", "entity": entity}
            )
        yield found


def send(
    centre: Registry, number: str, content: bytes, kind: str = "articles", *, expect: int = 201
) -> Any:
    with centre.client() as officer:
        answer = officer.post(
            "/api/v1/imports",
            params={"number": number, "kind": kind, "file": f"{number}.csv"},
            content=content,
            headers={"Content-Type": "text/csv"},
            timeout=120,
        )
    assert answer.status_code == expect, answer.text
    return answer.json()


def rehearse(centre: Registry, content: bytes, kind: str = "articles") -> Any:
    with centre.client() as officer:
        answer = officer.post("/api/v1/imports/rehearsals", params={"kind": kind}, content=content)
    assert answer.status_code == 200, answer.text
    return answer.json()


def counts(told: Any) -> tuple[int, int, int]:
    return told["imported"], told["known"], told["refused"]


def refused(centre: Registry, number: str) -> list[tuple[int, str, int, str]]:
    told = centre.get(f"/api/v1/imports/{number}/refusals?limit=500")["items"]
    return [(each["line"], each["column"], each["position"], each["code"]) for each in told]


def stock(centre: Registry, number: str = "") -> int:
    """So many articles, of all imports or of one."""
    wanted = "SELECT count(*) FROM legacy WHERE %s IN ('', import_number)"
    return int(centre.sql(wanted, number)[0][0])


def test_each_planted_fault_is_told_and_all_else_is_taken_in_once(centre: Registry) -> None:
    content = (VECTORS / "armet.csv").read_bytes()
    before = stock(centre)
    expected = (len(GOOD_LINES), 0, len({each[0] for each in PLANTED}))

    rehearsed = rehearse(centre, content)
    assert counts(rehearsed) == expected
    assert stock(centre) == before
    assert centre.look("/api/v1/imports/IMP-1").status_code == 404

    told = send(centre, "IMP-1", content)
    assert (counts(told), told["state"]) == (expected, "complete")
    assert refused(centre, "IMP-1") == list(PLANTED)
    kept = centre.get("/api/v1/imports/IMP-1/refusals?limit=500")["items"]
    assert rehearsed["refusals"] == kept
    assert kept[0]["what_to_do"] == "Fill in the cell."
    lines = centre.sql("SELECT line FROM legacy WHERE import_number = 'IMP-1' ORDER BY line")
    assert [line for (line,) in lines] == list(GOOD_LINES)

    assert send(centre, "IMP-1", content) == told, "the same again is answered as it was"
    again = send(centre, "IMP-1.2", content)
    assert counts(again) == (0, expected[0], expected[2]), "nor is it new under another number"
    assert stock(centre) == before + len(GOOD_LINES)


def test_a_file_that_was_corrected_brings_only_what_was_refused(centre: Registry) -> None:
    first = csv([weapon(1), weapon(2, year="x"), weapon(3)])
    corrected = csv([weapon(2), weapon(1), weapon(3, model="M72")])
    assert counts(send(centre, "IMP-2", first)) == (2, 0, 1)
    assert send(centre, "IMP-2", corrected, expect=409)["code"] == "conflict"
    assert counts(send(centre, "IMP-2.2", corrected)) == (1, 1, 1)
    assert refused(centre, "IMP-2.2") == [(4, "model", 3, "conflict")]
    assert "was imported with 'M70'" in str(centre.get("/api/v1/imports/IMP-2.2/refusals"))


def test_the_search_finds_it_by_what_is_on_it_and_by_its_number(centre: Registry) -> None:
    send(centre, "IMP-S", csv([weapon(31, serial="ZË-70 114"), weapon(32, serial="ZE 70114")]))
    codes = {
        each["serial"]: each["code"] for each in centre.get("/api/v1/legacy?import=IMP-S")["items"]
    }

    def found(query: str) -> tuple[list[str], bool]:
        told = centre.look("/api/v1/search", q=query).json()
        assert told["packages"] == []
        return told["legacy"], told["folded"]

    one = codes["ZË-70 114"]
    assert found("ZË-70 114") == ([one], False)
    assert found("D-000031") == found(one) == ([one], False)
    assert found("ze7oii4") == (sorted(codes.values()), True)
    assert found("D-999") == ([], True)
    with centre.client("warehouse", "UMG") as other:
        assert other.get("/api/v1/search", params={"q": one}).json()["legacy"] == []


def test_sent_twice_at_once_it_is_taken_in_once(centre: Registry) -> None:
    content = csv(weapon(index) for index in range(1_001, 7_001))
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(send, centre, number, content) for number in ("T-1", "T-1", "T-2")]
        one, same, other = (each.result() for each in sent)
    assert one == same
    told = [counts(one), counts(other)]
    assert [sum(column) for column in zip(*told, strict=True)] == [6_000, 6_000, 0]
    assert stock(centre, "T-1") + stock(centre, "T-2") == 6_000


def test_equal_marks_are_both_kept_and_both_told(centre: Registry) -> None:
    rows = [weapon(11), weapon(12, serial="s-000011", maker="ZASTAVA"), weapon(13)]
    send(centre, "IMP-3", csv(rows))
    told = centre.get("/api/v1/legacy?import=IMP-3")["items"]
    doubled = {each["inventory"]: each["doubled"] for each in told}
    assert doubled == {"D-000011": True, "D-000012": True, "D-000013": False}
    send(centre, "IMP-3.2", csv([weapon(14, serial="S000013")]))
    found = centre.get("/api/v1/legacy?doubled=true&serial=S000013")["items"]
    assert {each["inventory"] for each in found} == {"D-000013", "D-000014"}
    alike = centre.get(f"/api/v1/legacy?alike={found[0]['code']}")["items"]
    assert {each["code"] for each in alike} == {each["code"] for each in found}
    marks = "ZASTAVA M70 S000013"
    assert marks in [each["marks"] for each in found], "as engraved, and not as compared"


def test_what_was_imported_lives_as_any_article(centre: Registry) -> None:
    send(centre, "IMP-4", csv([weapon(21), weapon(22, disposition="in-use", place="")]))
    code = centre.get("/api/v1/legacy?inventory=D-000021")["items"][0]["code"]
    event = {
        "number": "E-21",
        "what": "issued",
        "happened": centre.sql("SELECT now()::text")[0][0].replace(" ", "T") + ":00",
        "articles": [code],
    }
    assert centre.post("/api/v1/events", event)["flags"] == []
    life = centre.get(f"/api/v1/articles/{code}")
    assert (life["article"]["kind"], life["article"]["disposition"]) == ("legacy", "in-use")
    assert life["legacy"]["serial"] == "S000021"
    assert [(step["what"], step["event"], step["after"]) for step in life["history"]] == [
        ("entered", "IMP-4", "in-store"),
        ("issued", "E-21", "in-use"),
    ]
    in_use = centre.get("/api/v1/legacy?import=IMP-4&disposition=in-use")["items"]
    assert len(in_use) == 2
    with centre.client("warehouse", "UMG") as other:
        assert other.get("/api/v1/legacy").json()["items"] == []
        assert other.get(f"/api/v1/articles/{code}").status_code == 404
        assert other.get("/api/v1/imports").status_code == 403


def test_entities_and_lots_come_in_files_too(centre: Registry) -> None:
    heading = "kodi;emri;lloji;nipt"
    rows = [
        "KAR;Kartuç shpk;trader;L12345678A",
        "BAR;Baruti;carrier store;L12345678A",
        "DEP;Another name;;",
        "UMG;Depoja UMG;;",
    ]
    told = send(centre, "IMP-5", csv(rows, heading), "entities")
    assert counts(told) == (1, 1, 2)
    assert [each[:2] for each in refused(centre, "IMP-5")] == [(3, "nipt"), (4, "emri")]
    assert centre.get("/api/v1/entities/KAR")["kinds"] == ["trader"]
    again = send(centre, "IMP-5.2", csv(rows[:1], heading), "entities")
    assert counts(again) == (0, 1, 0)
    taken = send(centre, "IMP-5.3", csv(["BAR;Baruti;;L12345678A"], heading), "entities")
    assert counts(taken) == (0, 0, 1)

    heading = "inventari;prodhuesi;tipi;partia;sasia;mbajtesi;gjendja"
    told = send(centre, "IMP-6", csv(["L-1;KMP;7.62x39;1-78;12000;DEP;ne depo"], heading), "lots")
    assert counts(told) == (1, 0, 0)
    (lot,) = centre.get("/api/v1/legacy?kind=legacy-lot")["items"]
    assert (lot["lot"], lot["quantity"], lot["serial"]) == ("1-78", 12000, None)


def test_a_file_that_is_none_leaves_nothing_behind(centre: Registry) -> None:
    acts = centre.sql("SELECT count(*) FROM act")
    answer = send(centre, "IMP-7", b"no,file\n1,2\n", expect=422)
    assert answer["code"] == "refused"
    too_large = b"x" * (32 * 1024 * 1024 + 1)
    assert send(centre, "IMP-7", too_large, expect=413)["code"] == "http-413"
    with centre.client() as officer:
        other = officer.post("/api/v1/entities", content=b" " * (2 * 1024 * 1024))
    assert other.status_code == 413
    assert centre.sql("SELECT count(*) FROM act") == acts


@pytest.mark.long
@pytest.mark.parametrize("rows", [10_000, 50_000])
def test_a_large_file_is_taken_in_once_killed_and_twice_run(
    centre: Registry, tmp_path: Path, rows: int
) -> None:
    content, planted = large(rows)
    number = f"BIG-{rows}"
    file = tmp_path / "depo.csv"
    file.write_bytes(content)
    arguments = (str(file), "--kind", "articles", "--json")
    rehearsed = json.loads(centre.run("import", *arguments, "--dry-run", expect=1))
    good = rows - len(planted)
    assert counts(rehearsed) == (good, 0, len(planted))

    _kill_in_the_middle(centre, number, *arguments)
    begun = centre.get(f"/api/v1/imports/{number}")
    assert begun["state"] == "open"
    assert 1 < begun["line"] <= rows
    assert stock(centre, number) == begun["imported"], "what is told is what there is"

    started = time.monotonic()
    told = json.loads(centre.run("import", *arguments, "--number", number, expect=1))
    assert time.monotonic() - started < 60
    assert (counts(told), told["state"]) == ((good, 0, len(planted)), "complete")
    lines = [(each["line"], each["column"], each["code"]) for each in told["refusals"]]
    assert lines == planted
    assert stock(centre, number) == good
    missing = centre.sql(
        "SELECT count(*) FROM generate_series(2, %s) AS line WHERE line NOT IN"
        " (SELECT line FROM legacy WHERE import_number = %s UNION ALL"
        " SELECT line FROM import_refusal WHERE import_number = %s)",
        rows + 1,
        number,
        number,
    )
    assert missing == [(0,)]
    doubled = centre.sql(
        "SELECT count(*), count(DISTINCT folded) FROM legacy WHERE doubled AND import_number = %s",
        number,
    )
    assert doubled == [(rows // 1000 + 1, 1)]

    assert json.loads(centre.run("import", *arguments, "--number", number, expect=1)) == told
    before = stock(centre)
    again = send(centre, f"{number}-AGAIN", content)
    assert counts(again) == (0, good, len(planted))
    assert stock(centre) == before


def _kill_in_the_middle(centre: Registry, number: str, *arguments: str) -> None:
    command = (sys.executable, "-m", "central", "import", "--state", str(centre.folder))
    process = subprocess.Popen(
        [*command, *arguments, "--number", number],
        stdout=subprocess.DEVNULL,
    )

    def some() -> bool:
        return bool(centre.sql("SELECT 1 FROM imports WHERE number = %s AND line > 1", number))

    wait_for("a portion of the file", some, 60)
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL


def test_the_report_is_a_file_too(centre: Registry) -> None:
    send(centre, "IMP-8", csv([weapon(81, year="x"), weapon(82, maker=""), weapon(83)]))
    with centre.client() as officer:
        answer = officer.get(
            "/api/v1/imports/IMP-8/refusals?format=csv", headers={"Accept-Language": "sq"}
        )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(reading.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["line"], row["column"], row["code"]) for row in rows] == [
        ("2", "year", "malformed"),
        ("3", "maker", "missing"),
    ]
    assert rows[1]["what_to_do"] == "Plotësoni qelizën."


def test_stock_is_exported_whole_and_harmless(centre: Registry) -> None:
    send(centre, "IMP-9", csv([weapon(91, serial="=1+1", marks="@SUM(A1)"), weapon(92)]))
    with centre.client() as officer:
        text = officer.get("/api/v1/legacy?import=IMP-9&format=csv").content.decode("utf-8-sig")
        lines = officer.get("/api/v1/legacy?import=IMP-9&format=jsonl&limit=1").text
    rows = {row["inventory"]: row for row in reading.DictReader(io.StringIO(text))}
    assert (rows["D-000091"]["serial"], rows["D-000091"]["marks"]) == ("'=1+1", "'@SUM(A1)")
    listed = centre.get("/api/v1/legacy?import=IMP-9")["items"]
    assert [json.loads(line) for line in lines.splitlines()] == listed, "page by page"
    assert len(listed) == 2


def test_a_large_list_is_streamed(centre: Registry) -> None:
    whole = "/api/v1/legacy?format=jsonl"
    with centre.client() as officer, officer.stream("GET", whole) as answer:
        codes = [json.loads(line)["code"] for line in answer.iter_lines()]
    assert len(codes) == len(set(codes)) == stock(centre)
    assert codes == sorted(codes)


def test_the_register_is_rebuilt_with_all_of_it(centre: Registry) -> None:
    assert "identical" in centre.run("rebuild")

"""Units on the real programs: numbers given once, labels, and prints on a printer over TCP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from central.labels.content import Label, Party
from tests.labels.drawn import printed, rasterised, read, symbol_of
from tests.register.telling import UII, Told, accept
from tests.support.peer import Peer
from tests.support.printer import LabelPrinter
from tests.support.register import Register
from tests.support.registry import PACKAGE, Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
LONG = "Ndërmarrja Shtetërore e Prodhimit dhe e Mirëmbajtjes së Armëve të Lehta, Gramsh"


@pytest.fixture(scope="module")
def printer() -> Iterator[LabelPrinter]:
    with LabelPrinter.running() as running:
        yield running


@pytest.fixture(scope="module")
def centre(printer: LabelPrinter) -> Iterator[Registry]:
    with Register.opened() as found:
        gone = "127.0.0.1:9"
        with (found.folder / "central.toml").open("a") as file:
            for name, address, site in (
                ("gramsh-1", printer.address, "UMG.GR"),
                ("gramsh-2", gone, "UMG.GR"),
                ("depo-1", printer.address, "DEP.1"),
            ):
                file.write(f'[[printers]]\nname = "{name}"\naddress = "{address}"\n')
                file.write(f'site = "{site}"\ndpmm = 12\n')
        found.start("serve")
        found.standard()
        amend(found, name=LONG)
        found.post(
            "/api/v1/entities", {"code": "DEP", "name": "Depoja Qendrore", "gs1_prefix": "5301234"}
        )
        for code, entity in (("UMG.GR", "UMG"), ("DEP.1", "DEP")):
            found.post(
                "/api/v1/places", {"code": code, "name": code, "kind": "site", "entity": entity}
            )
        peer = Peer(found, "gramsh.line-1")
        peer.enroll()
        peer.accept("G-1")
        for index in range(1, 6):
            peer.good(index)
        cartons(found)
        peer.accept("K-1")
        for index in range(1, 4):
            peer.good(index)
        peer.deliver()
        peer.disconnect()
        yield found


def cartons(centre: Registry) -> None:
    """An order of cartons of fifty rounds, on the same line."""
    centre.post(
        "/api/v1/products",
        {
            "code": "9x19",
            "entity": "UMG",
            "model": "9x19 FMJ",
            "nsn": "1305-59-123-4567",
            "kind": "package",
            "components": [{"name": "carton"}],
            "template": {"content": PACKAGE, "serial_prefix": "C"},
        },
    )
    centre.approve("9x19")
    order = {"code": "K-1", "product": "9x19", "quantity": 5, "contents": 50, "job": "CARTON"}
    centre.release_order(order | {"lot": "XYZ07D006-004", "gateways": ["gramsh.line-1"]})


def amend(centre: Registry, **more: Any) -> None:
    body = {"name": LONG, "ncage": "A7G1H", "reason": "as it is", **more}
    centre.post("/api/v1/entities/UMG/amend", body)


def give(centre: Registry, entity: str, expect: int | None = None, **more: Any) -> Any:
    return centre.post("/api/v1/units", {"entity": entity, **more}, expect=expect)


def test_numbers_go_on_and_skip_what_is_known(centre: Registry) -> None:
    told = Told(centre)
    first = give(centre, "UMG", quantity=2)
    assert first["numbers"] == ["DA7G1H0000000000", "DA7G1H0000000001"]
    told("packed", UII.format(1), package="DA7G1H0000000003")  # numbered by hand, ahead of us
    second = give(centre, "UMG", quantity=2)
    assert second["numbers"] == ["DA7G1H0000000002", "DA7G1H0000000004"]
    listed = centre.get("/api/v1/units?entity=UMG")["items"]
    assert [each["code"] for each in listed] == [*first["numbers"], *second["numbers"]]
    assert [each["used"] for each in listed] == [False] * 4
    (act,) = centre.get("/api/v1/acts?subject=unit-series&key=DA7G1H&limit=1")["items"]
    assert act["payload"]["numbers"] == first["numbers"]


def test_a_new_prefix_begins_a_series_and_the_old_one_goes_on_where_it_was(
    centre: Registry,
) -> None:
    amend(centre, gs1_prefix="0614141")
    assert give(centre, "UMG")["numbers"] == ["006141410000000005"]
    amend(centre, gs1_prefix="06141")  # a shorter one, whose numbers the longer one's lie within
    series = "306141"
    assert give(centre, "UMG", extension=3)["series"] == series
    amend(centre, gs1_prefix="0614141")
    assert give(centre, "UMG")["numbers"] == ["006141410000000012"]
    amend(centre, gs1_prefix=None)
    assert give(centre, "UMG")["scheme"] == "licence-plate"
    assert give(centre, "UMG", scheme="sscc", expect=422)["code"] == "refused"


def test_a_series_ends(centre: Registry) -> None:
    centre.post(
        "/api/v1/entities", {"code": "BIG", "name": "E madhe", "gs1_prefix": "530999999999"}
    )
    body = {"next": 9_998, "reason": "those before were printed by hand"}
    assert centre.post("/api/v1/units/series/0530999999999/go-on", body)["next"] == 9_998
    assert give(centre, "BIG", quantity=3, expect=409)["code"] == "conflict"
    assert len(give(centre, "BIG", quantity=2)["numbers"]) == 2
    assert give(centre, "BIG", expect=409)["code"] == "conflict"
    assert len(give(centre, "BIG", extension=1)["numbers"]) == 1


def test_a_request_that_comes_again_gives_the_same_numbers(centre: Registry) -> None:
    with centre.client("warehouse", "DEP") as store:
        asked = {"entity": "DEP", "quantity": 3}
        first, again = (
            store.post("/api/v1/units", json=asked, headers={"Idempotency-Key": "once"})
            for _ in range(2)
        )
        assert first.json() == again.json()
        assert store.post("/api/v1/units", json={"entity": "UMG"}).status_code == 403
        mine = store.get("/api/v1/units").json()["items"]
        assert {each["entity"] for each in mine} == {"DEP"}
        assert len(mine) == 3
        assert store.get("/api/v1/units?entity=UMG").json()["items"] == []


def test_who_ask_at_once_get_different_numbers(centre: Registry) -> None:
    """Those of a series that none of them has begun yet, too."""
    centre.post("/api/v1/entities", {"code": "NEW", "name": "E re", "gs1_prefix": "5305555"})
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: give(centre, "NEW", quantity=7), range(16)))
    given = [code for answer in answers for code in answer["numbers"]]
    assert len(set(given)) == len(given) == 112
    assert max(given)[:-1] == "05305555000000111"


def label(centre: Registry, code: str, **query: str) -> Any:
    return centre.look(f"/api/v1/articles/{code}/label", **query)


def test_a_label_before_anything_is_packed_and_after(centre: Registry) -> None:
    (code,) = give(centre, "DEP")["numbers"]
    before = label(centre, code, form="zpl", lang="en")
    assert before.headers["content-type"] == "application/zpl"
    assert "None told of yet" in texts_of(before.content)

    told = Told(centre)
    (crate,) = give(centre, "UMG")["numbers"]
    told("packed", UII.format(2), UII.format(3), package=crate)
    after = texts_of(label(centre, crate, form="zpl", lang="en", dpmm="12").content)
    assert {"M70", "9x19", "2 pieces", "UMG · NCAGE A7G1H"} <= set(after)
    assert LONG.replace(" ", "") in "".join(after).replace(" ", "")
    sheet = label(centre, crate)
    assert sheet.headers["content-type"] == "application/pdf"
    found = read(rasterised(sheet.content))
    assert found == symbol_of(Label(crate, Party("", "")))
    told("packed", crate, UII.format(4), package=code)
    around = texts_of(label(centre, code, form="zpl", lang="sq").content)
    assert {"3 copë", "Pako brenda", "1"} <= set(around)


def test_rounds_are_counted_by_what_each_carton_holds(centre: Registry) -> None:
    (crate,) = give(centre, "UMG")["numbers"]
    marked = centre.sql("SELECT uii FROM item WHERE order_code = 'K-1' ORDER BY uii")
    Told(centre)("packed", *(uii for (uii,) in marked), package=crate)
    told = texts_of(label(centre, crate, form="zpl", lang="en").content)
    wanted = {"9x19 FMJ", "3 pieces", "Rounds", "150", "XYZ07D006-004", "1305-59-123-4567"}
    assert wanted <= set(told)


def test_a_label_names_whom_it_goes_to_and_what_of_before_is_in_it(centre: Registry) -> None:
    """Of an export, whose recipient is nobody whom the register holds; and of a lot of old."""
    (crate,) = give(centre, "UMG")["numbers"]
    accept(centre, UII.format(5))
    Told(centre)("packed", UII.format(5), package=crate)
    now = datetime.now(UTC)
    abroad = {"name": "Ministero della Difesa, Roma", "country": "IT"}
    centre.post(
        "/api/v1/consignments",
        {
            "number": "C-1",
            "direction": "export",
            "sender": "UMG",
            "outsiders": {"recipient": abroad, "end_user": abroad},
            "certificate": {"number": "EUC 2026/7", "issuer": "UAMA", "document": "cd" * 32},
            "planned_dispatch": (now + timedelta(hours=1)).isoformat(),
            "planned_arrival": (now + timedelta(hours=9)).isoformat(),
            "articles": [crate],
        },
    )
    told = texts_of(label(centre, crate, form="zpl", lang="en").content)
    assert {"Sender", "Recipient", abroad["name"], "IT · Consignment C-1"} <= set(told)

    rows = "inventory,maker,model,calibre,lot,quantity,holder,disposition\n"
    rows += "D-1,KMP,M43,7.62x39,12-78,1320,DEP,in-store\n"
    with centre.client() as officer:
        query = {"number": "IMP-1", "kind": "lots", "file": "depo.csv"}
        taken = officer.post("/api/v1/imports", params=query, content=rows.encode())
    assert taken.json()["imported"] == 1, taken.text
    (lot,) = centre.get("/api/v1/legacy?lot=12-78")["items"]
    (box,) = give(centre, "DEP")["numbers"]
    Told(centre)("packed", lot["code"], package=box)
    told = texts_of(label(centre, box, form="zpl", lang="sq").content)
    assert {"M43", "7.62x39", "Loti", "12-78", "1 320 copë", "Depoja Qendrore"} <= set(told)


def texts_of(zpl: bytes) -> list[str]:
    found, _ = printed(zpl)
    return [field.text for field in found.fields if field.kind == "text"]


def test_accept_says_which_form(centre: Registry) -> None:
    (code,) = give(centre, "UMG")["numbers"]
    with centre.client() as officer:
        path = f"/api/v1/articles/{code}/label"
        zpl = officer.get(path, headers={"Accept": "application/zpl"})
        assert zpl.content.startswith(b"^XA")
        assert officer.get(path).content.startswith(b"%PDF")
        assert officer.get(f"{path}?form=gif").json()["code"] == "refused"
    with centre.client("warehouse", "DEP") as other:
        assert other.get(path).json()["code"] == "not-found"
    assert label(centre, UII.format(1)).json()["code"] == "not-found"


def send(centre: Registry, code: str, number: str, printer: str, **more: Any) -> Any:
    """By the producer's own warehouse."""
    with centre.client("warehouse", "UMG") as store:
        body = {"number": number, "printer": printer, **more}
        return store.post(f"/api/v1/articles/{code}/label/prints", json=body)


def test_a_label_comes_out_of_the_printer_with_the_units_code(
    centre: Registry, printer: LabelPrinter
) -> None:
    (code,) = give(centre, "UMG")["numbers"]
    before = printer.count
    sent = send(centre, code, "P-1", "gramsh-1", copies=2)
    assert sent.status_code == 201, sent.text
    assert (sent.json()["state"], sent.json()["said"]) == ("sent", "ready")
    assert (sent.json()["by"], sent.json()["dpmm"]) == ("warehouse.umg", 12)
    wait_for("two copies", lambda: printer.count == before + 2)
    assert read(printer.device.printed[-1].image) == symbol_of(Label(code, Party("", "")))
    assert printer.device.unknown == []

    again = send(centre, code, "P-1", "gramsh-1", copies=2)
    assert again.json() == sent.json()
    assert send(centre, code, "P-1", "gramsh-1").json()["code"] == "conflict"
    assert printer.count == before + 2
    assert send(centre, code, "P-2", "gramsh-1").status_code == 201
    listed = centre.get(f"/api/v1/articles/{code}/label/prints")["items"]
    assert [(each["number"], each["copies"]) for each in listed] == [("P-2", 1), ("P-1", 2)]
    acts = centre.get("/api/v1/acts?subject=print&key=P-1")["items"]
    assert [(act["what"], act["account"]) for act in acts] == [
        ("asked", "warehouse.umg"),
        ("sent", "warehouse.umg"),
    ]


def test_one_that_cannot_print_is_told_of_and_tried_again(
    centre: Registry, printer: LabelPrinter
) -> None:
    (code,) = give(centre, "UMG")["numbers"]
    before = printer.count
    printer.lacks("paper")
    problem = send(centre, code, "P-3", "gramsh-1")
    assert (problem.status_code, problem.json()["code"]) == (409, "printer-not-ready")
    assert "paper-out" in problem.json()["detail"]
    printer.lacks("paper", on=False)
    assert send(centre, code, "P-3", "gramsh-1").json()["state"] == "sent"
    wait_for("one label", lambda: printer.count == before + 1)
    away = send(centre, code, "P-4", "gramsh-2")
    assert (away.status_code, away.json()["code"]) == (503, "printer-away")
    (kept,) = [
        each
        for each in centre.get(f"/api/v1/articles/{code}/label/prints")["items"]
        if each["number"] == "P-4"
    ]
    assert kept["state"] == "failed"
    assert kept["said"].startswith("printer-away")


def test_who_prints_where(centre: Registry) -> None:
    (code,) = give(centre, "UMG")["numbers"]
    with centre.client("warehouse", "UMG") as store:
        mine = store.get("/api/v1/printers").json()["printers"]
    assert [each["name"] for each in mine] == ["gramsh-1", "gramsh-2"]
    assert "address" not in str(mine)
    for name in ("depo-1", "none"):
        answer = send(centre, code, f"N-{name}", name)
        assert (answer.status_code, answer.json()["code"]) == (404, "printer-unknown")
    assert len(centre.get("/api/v1/printers")["printers"]) == 3


def test_after_a_restore_nobody_guesses_where_a_series_goes_on(centre: Registry) -> None:
    """The backup may be older than numbers that stand on crates."""
    give(centre, "UMG")
    centre.run("declare-restore")
    refused = give(centre, "UMG", expect=409)
    assert "go-on" in refused["detail"]
    body = {"reason": "the newest crate in the store is 41"}
    path = "/api/v1/units/series/DA7G1H/go-on"
    assert centre.post(path, {"next": 1, **body}, expect=409)["code"] == "conflict"
    centre.post(path, {"next": 42, **body})
    assert give(centre, "UMG")["numbers"] == ["DA7G1H0000000042"]


def test_the_register_is_rebuilt_with_all_of_it(centre: Registry) -> None:
    assert "identical" in centre.run("rebuild")
    centre.sql("UPDATE unit_series SET next = 3 WHERE prefix = 'DA7G1H'")
    assert "unit_series DA7G1H" in centre.run("rebuild", expect=1)
    centre.sql("UPDATE unit_series SET next = 43 WHERE prefix = 'DA7G1H'")

"""What the demo counts from metal, and when its faults come; the whole demo runs in tests/e2e."""

import json
import os
import subprocess
from collections import Counter
from pathlib import Path

import httpx
import pytest

from drivers.catalog import kinds
from simulators.demo import audit
from simulators.demo.audit import Audit, Found, component_of, metal
from simulators.demo.equipment import MARKERS, READERS
from simulators.demo.factory import Factory
from simulators.demo.faults import (
    FAULTS,
    FEW_OF_PIECES,
    FEW_OF_TRAYS,
    MANY_PARTS,
    OF_PIECES,
    OF_TRAYS,
    schedule,
)
from simulators.demo.findings import EXPECTED_FAULTS, on_metal, with_faults, without_faults
from simulators.demo.folder import equipment
from simulators.demo.looks import SPOILED, Looks, looked
from simulators.demo.sites import POLICAN, SITES, Site
from simulators.optics import EFFECTS, Optics, spoiled
from simulators.part import FILE, PartStore

GRAMSH = SITES[0]


def content(site: Site, serial: str, symbol: str = "") -> str:
    template: str = site.subject.product["template"]["content"]
    for name, value in (("serial", serial), ("component", symbol), ("lot", "L1")):
        template = template.replace(f"{{{name}}}", value)
    return template


def test_a_place_is_a_piece_of_metal_and_a_second_mark_is_told_apart(tmp_path: Path) -> None:
    store = PartStore(tmp_path / FILE)
    one, two, three = (content(POLICAN, f"C000000{n}") for n in (1, 2, 3))

    def engrave(position: int, what: str) -> None:
        store.engrave("cartons", position, what, (), 1.0, "modbus-cell")

    tray = store.load("cartons")
    engrave(1, one)
    engrave(2, two)
    engrave(2, two)  # a re-mark, if the register knows of it
    engrave(3, three)
    engrave(3, one)
    engrave(4, "[)>\x1e06\x1d1PTRIAL\x1e\x04")
    store.close()
    places, twice = metal(tmp_path)
    assert places == {(tray, 1): [one], (tray, 2): [two, two], (tray, 3): [three, one]}
    assert twice == [
        f"{one!r} is on [({tray}, 1), ({tray}, 3)]",
        f"({tray}, 3) carries {[three, one]}",
    ]


@pytest.mark.parametrize(
    ("site", "symbol", "name"),
    [
        (GRAMSH, "RC", "receiver"),
        (GRAMSH, "BL", "barrel"),
        (GRAMSH, "SL", "slide"),
        (GRAMSH, "XX", ""),
        (POLICAN, "", "carton"),
    ],
)
def test_a_symbol_says_which_piece_it_is_on(site: Site, symbol: str, name: str) -> None:
    assert component_of(content(site, "26000001", symbol)) == name


def test_each_engraved_piece_stands_in_exactly_one_term() -> None:
    states = ["good", "marked", "open", "rejected", "scrapped", "voided", "unknown", ""]
    places = [Found((n, 1), f"c{n}", "slide", f"u{n}", state) for n, state in enumerate(states)]
    places += [
        Found((20, 1), "old", "slide", "u20", ""),
        Found((20, 1), "new", "slide", "", "good"),
    ]
    counted = Audit(places, ["c7", "old"], ["20"])
    once = dict.fromkeys(("good", "rejected", "scrapped", "voided", "unknown"), 1)
    assert counted.terms() == {**once, "open": 2, "lost": 2}
    assert sum(counted.terms().values()) == counted.engraved


def test_what_is_not_good_has_to_be_traced_to_a_fault_of_its_weapon() -> None:
    good = [Found((n, 1), f"c{n}", "slide", f"u{n}", "good") for n in range(3, 90)]
    places = [
        Found((1, 1), "c1", "receiver", "u1", "marked"),
        Found((2, 1), "c1b", "barrel", "u1", "scrapped"),
        *good,
    ]
    counted = Audit(places, [], [])
    enough = Counter(EXPECTED_FAULTS)
    (first, second) = with_faults(counted, [], enough)
    assert "'c1' is marked and no fault met its pieces" in first
    assert "'c1b' is scrapped" in second
    assert len(without_faults(counted)) == 2
    assert on_metal(counted, []) == []
    assert (counted.engraved, counted.count("good")) == (89, 87)
    too_few = Audit(places + [Found((100 + n, 1), "x", "", "u1", "lost") for n in range(4)], [], [])
    assert "only 87 of 93 engraved pieces are good" in with_faults(too_few, [], enough)
    told = with_faults(Audit(good, [], []), [], enough - Counter({"swap": 1}))
    assert told == ["swap landed 2 times, at least 3 were to"]


def test_a_folder_knows_what_its_line_was_begun_with(tmp_path: Path) -> None:
    assert equipment(tmp_path, "gramsh.line-1") == {}
    usual = {"marker": "panasonic-lp", "reader": "zebra-ssi"}
    others = {"marker": "telesis", "reader": "camera"}
    for told, devices in (({}, usual), ({"equipment": {"gramsh.line-1": others}}, others)):
        (tmp_path / "demo.json").write_text(json.dumps(told))
        assert equipment(tmp_path, "gramsh.line-1") == devices


def test_every_kind_can_stand_at_the_line() -> None:
    there = {kind.name: kind.role for kind in kinds()}
    assert there == dict.fromkeys(MARKERS, "marker") | dict.fromkeys(READERS, "reader")


@pytest.mark.parametrize("parts", [50, 100, 200])
def test_every_kind_of_fault_comes_often_enough(parts: int) -> None:
    """By what is planned: what a device does wrong counts by its own name."""
    planned: Counter[str] = Counter()
    small = parts < MANY_PARTS
    pieces, trays = (FEW_OF_PIECES, FEW_OF_TRAYS) if small else (OF_PIECES, OF_TRAYS)
    for cycles, tray, counts in ((3 * parts, 1, pieces), (parts // 4, 4, trays)):
        places = schedule(parts, 20, tray=tray)
        assert Counter(places.values()) == counts
        assert max(places) < cycles * 9 // 10
        assert schedule(parts, 20, tray=tray) == places
        planned.update(places.values())
    assert planned.keys() == FAULTS.keys()
    kinds = Counter(planned)
    for name in FAULTS:
        for side in ("-marker", "-reader"):
            if name.endswith(side):
                kinds[name.removesuffix(side)] += planned[name]
    at_large = {"cut-broker", "kill-ingest", "kill-broker", "suspend-licence"}
    for name in EXPECTED_FAULTS.keys() - at_large:
        assert kinds[name] >= (1 if small else EXPECTED_FAULTS[name]), name


def test_what_the_optics_spoiled_is_told_apart_from_what_another_fault_met(tmp_path: Path) -> None:
    """Two pieces a weapon: what is set aside takes the other with it."""
    parts, plain = PartStore(tmp_path / FILE), Optics()
    marks: list[tuple[int, bool]] = []
    while sum(bad for _, bad in marks) < 3 or len(marks) < 100 or len(marks) % 2:
        piece = parts.load("line")
        mark = parts.engrave("line", 1, f"c{piece}", [], 1.0, "laser")
        marks.append((piece, spoiled(mark, plain, SPOILED, tuple(EFFECTS)) is not plain))
    parts.close()
    weapons = {piece: f"u{number // 2}" for number, (piece, _) in enumerate(marks)}
    lost = {weapons[piece] for piece, bad in marks if bad}
    places = [
        Found((piece, 1), f"c{piece}", "slide", weapon, "rejected" if weapon in lost else "good")
        for piece, weapon in weapons.items()
    ]
    met = next(each.place[0] for each in places if each.state == "good")
    told = looked(tmp_path, "line", places, met={met})
    bad = sum(bad for _, bad in marks)
    assert told == Looks(
        frozenset(piece for piece, bad in marks if bad), bad, bad, len(marks) - 2 * len(lost) - 2, 0
    )
    faults = Counter(EXPECTED_FAULTS)

    def unmet(pieces: frozenset[int]) -> bool:
        found = with_faults(Audit(places, [], []), [], faults, spoiled=pieces)
        return any("no fault met" in each for each in found)

    assert unmet(frozenset())
    assert not unmet(told.pieces)


def test_what_ended_by_itself_is_named_the_database_too(tmp_path: Path) -> None:
    factory = Factory(tmp_path, 1.0, print)
    assert factory.ended() == {}
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "postmaster.pid").write_text(f"{ended.pid}\n{tmp_path}\n")
    assert str(tmp_path / "pg" / "server.log") in factory.ended()["database"]
    (tmp_path / "pg" / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n")
    assert factory.ended() == {}


async def test_the_count_at_the_end_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "SAY_EVERY_S", -1.0)
    said: list[str] = []

    def found(request: httpx.Request) -> httpx.Response:
        item = {"uii": request.url.params["q"], "components": []}
        return httpx.Response(200, json={"items": [item]})

    contents = [f"C{number:02}" for number in range(20)]
    base = "http://register"
    async with httpx.AsyncClient(transport=httpx.MockTransport(found), base_url=base) as http:
        items = await audit.items_of(http, contents, said.append)
    assert [items[content]["uii"] for content in contents] == contents
    assert [line.rpartition(": ")[2] for line in said] == [
        f"{count} of 20 marks …" for count in (8, 16, 20)
    ]

"""The physical truth: pieces, engravings, swaps, several processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simulators.part import FILE, PartStore, doubled, marked_over


@pytest.fixture
def parts(tmp_path: Path):  # type: ignore[no-untyped-def]
    store = PartStore(tmp_path / FILE)
    yield store
    store.close()


def test_a_new_piece_is_blank_and_takes_the_place_of_the_former(parts: PartStore) -> None:
    assert parts.present("line") is None
    assert parts.seen("line") == []
    first = parts.load("line")
    parts.engrave("line", 1, "A", ["a", "b"], 1.0, "laser")
    second = parts.load("line")
    assert parts.present("line") == second != first
    assert parts.seen("line") == []


def test_what_is_engraved_stays_on_the_piece_wherever_it_lies(parts: PartStore) -> None:
    piece = parts.load("line")
    parts.engrave("line", 1, "A", (), 1.0, "laser")
    parts.engrave("line", 2, "B", ("b",), 0.4, "laser")
    parts.load("line")
    parts.load_again(piece, "bench")
    first, second = parts.seen("bench")
    assert (first.content, first.position, first.readable, first.station) == ("A", 1, True, "line")
    assert (second.content, second.lines, second.readable) == ("B", ("b",), False)
    parts.load_again(piece, "line")
    assert parts.present("bench") is None
    assert len(parts.seen("line")) == 2


def test_a_shot_into_the_air_is_kept(parts: PartStore) -> None:
    assert parts.engrave("line", 1, "A", (), 1.0, "laser").piece is None
    parts.load("line")
    assert parts.seen("line") == []
    (piece, air) = parts.dump()
    assert piece["engravings"] == []
    assert air["piece"] is None
    assert [engraving["content"] for engraving in air["engravings"]] == ["A"]


def test_an_interrupted_mark_gets_worse_and_never_better(parts: PartStore) -> None:
    parts.load("line")
    engraving = parts.engrave("line", 1, "A", (), 1.0, "laser")
    parts.spoil(engraving.id, 0.3)
    parts.spoil(engraving.id, 0.9)
    assert [each.quality for each in parts.seen("line")] == [0.3]


def test_a_piece_that_never_was(parts: PartStore) -> None:
    parts.load("line")
    with pytest.raises(LookupError, match="no piece 7"):
        parts.load_again(7, "line")
    assert parts.present("line") == 1


def test_taking_leaves_the_station_empty(parts: PartStore) -> None:
    piece = parts.load("line")
    assert parts.take("line") == piece
    assert parts.take("line") is None
    assert parts.present("line") is None
    (entry,) = parts.dump()
    (laying,) = entry["layings"]
    assert laying["laid_at"] <= laying["taken_at"]


def on_tray(parts: PartStore) -> dict[int, str]:
    """By position, what is on the tray at the line."""
    return {each.position: each.content for each in parts.seen("line")}


def test_two_cartons_of_a_tray_change_places_with_all_that_is_on_them(parts: PartStore) -> None:
    parts.load("line")
    for position, content in ((1, "A"), (3, "C"), (1, "A again")):
        parts.engrave("line", position, content, (), 1.0, "laser")
    parts.exchange("line", 1, 3)
    assert [(each.position, each.content) for each in parts.seen("line")] == [
        (3, "A"),
        (1, "C"),
        (3, "A again"),
    ]
    parts.exchange("line", 3, 2)  # nothing is on the carton at 2
    assert on_tray(parts) == {2: "A again", 1: "C"}
    parts.take("line")
    with pytest.raises(LookupError, match="nothing lies at line"):
        parts.exchange("line", 1, 2)


def test_a_carton_is_replaced_by_a_blank_one_or_by_one_of_an_old_tray(parts: PartStore) -> None:
    former = parts.load("line")
    parts.engrave("line", 2, "OLD", (), 1.0, "laser")
    tray = parts.load("line")
    for position in (1, 2, 3):
        parts.engrave("line", position, f"NEW{position}", (), 1.0, "laser")
    apart = parts.replace_at("line", 1)
    assert on_tray(parts) == {2: "NEW2", 3: "NEW3"}
    assert parts.replace_at("line", 3, (former, 2)) == former
    assert on_tray(parts) == {2: "NEW2", 3: "OLD"}
    assert parts.replace_at("line", 1, (apart, 1)) == apart
    assert on_tray(parts) == {1: "NEW1", 2: "NEW2", 3: "OLD"}
    assert parts.present("line") == tray
    with pytest.raises(LookupError, match="no piece 99"):
        parts.replace_at("line", 1, (99, 1))
    found = {
        (piece["piece"], engraving["position"]): engraving["content"]
        for piece in parts.dump()
        for engraving in piece["engravings"]
    }
    assert found == {(tray, 1): "NEW1", (tray, 2): "NEW2", (tray, 3): "OLD", (former, 2): "NEW3"}
    assert (doubled(parts.dump()), marked_over(parts.dump())) == ({}, {})


def test_what_is_doubled_and_what_is_marked_over_is_counted_by_place(parts: PartStore) -> None:
    parts.engrave("line", 1, "A", (), 1.0, "laser")  # into the air: on no metal
    tray = parts.load("line")
    for position, content in ((1, "A"), (2, "B"), (1, "A"), (3, "C"), (3, "D")):
        parts.engrave("line", position, content, (), 1.0, "laser")
    assert doubled(parts.dump()) == {}
    parts.engrave("line", 2, "A", (), 0.1, "laser")
    other = parts.load("line")
    parts.engrave("line", 1, "C", (), 1.0, "laser")
    assert doubled(parts.dump()) == {"A": [(tray, 1), (tray, 2)], "C": [(tray, 3), (other, 1)]}
    assert marked_over(parts.dump()) == {
        (tray, 1): ["A", "A"],
        (tray, 2): ["B", "A"],
        (tray, 3): ["C", "D"],
    }


_ENGRAVER = """
import sys
from pathlib import Path
from simulators.part import PartStore
parts = PartStore(Path(sys.argv[1]))
for number in range(25):
    parts.engrave("line", 1, f"{sys.argv[2]}-{number}", (), 1.0, "laser")
"""


@pytest.mark.slow
def test_several_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / FILE
    store = PartStore(path)
    store.load("line")
    writers = [
        subprocess.Popen([sys.executable, "-c", _ENGRAVER, str(path), name]) for name in "ABCD"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    assert len({engraving.content for engraving in store.seen("line")}) == 100
    store.close()


_KILLED = """
import os, signal, sys
from pathlib import Path
from simulators.part import PartStore
PartStore(Path(sys.argv[1])).engrave("line", 1, "A", (), 1.0, "laser")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_metal_stays_changed_when_the_device_is_killed_at_once(tmp_path: Path) -> None:
    path = tmp_path / FILE
    store = PartStore(path)
    store.load("line")
    assert subprocess.run([sys.executable, "-c", _KILLED, str(path)], check=False).returncode == -9
    assert [engraving.content for engraving in store.seen("line")] == ["A"]
    store.close()


@pytest.mark.slow
def test_the_parts_command(tmp_path: Path) -> None:
    def gjurma_sim(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "simulators", "parts", "--state", str(tmp_path), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )

    assert gjurma_sim("--json").returncode == 2
    assert gjurma_sim("--load", "line").returncode == 0
    store = PartStore(tmp_path / FILE)
    for position in (1, 2, 2):
        store.engrave("line", position, "A", ("a",), 1.0, "laser")
    store.close()
    (piece,) = json.loads(gjurma_sim("--json").stdout)
    assert piece["station"] == "line"
    assert [engraving["content"] for engraving in piece["engravings"]] == ["A", "A", "A"]
    told = gjurma_sim().stdout
    assert "piece 1: lies at line" in told
    assert "doubled: 'A' on piece 1 position 1, piece 1 position 2" in told
    assert "marked over: piece 1 position 2: 'A', 'A'" in told

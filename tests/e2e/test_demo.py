"""The demo as people run it: two commands, a count at the end, and nothing left behind."""

import json
import os
import pty
import re
import signal
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from central.access.roles import Role
from gateway.contract.record import (
    FromBlock,
    Intent,
    Mark,
    Record,
    Settled,
    Verified,
    decode_record,
)
from simulators.demo.audit import TERMS
from tests.e2e.demo import (
    GRAMSH,
    POLICAN,
    START_S,
    Demo,
    command,
    engraved,
    pieces,
    running_in,
    state_folder,
)
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow

KEYS = (
    *("engraved", *TERMS, "doubled", "unaccounted"),
    *("faults", "seed", "seconds"),
)
NOTHING_WRONG = {**dict.fromkeys(TERMS[1:], 0), "doubled": 0, "unaccounted": 0}


@pytest.fixture
def state() -> Iterator[Path]:
    with state_folder() as folder:
        yield folder


@pytest.mark.long
def test_a_short_run_ends_with_its_count(state: Path) -> None:
    lines, counted = Demo.ran(state, "--once", "--fresh", "--parts", "1", "--json")
    assert len(lines) == 1
    assert tuple(counted) == KEYS
    # One weapon of three pieces, and one tray of four cartons.
    assert counted.items() >= {"engraved": 7, "good": 7, "faults": {}, **NOTHING_WRONG}.items()
    assert len(engraved(state, GRAMSH)) + len(engraved(state, POLICAN)) == 7
    assert running_in(state) == {}


@pytest.mark.long
def test_it_marks_and_counts_and_goes_on_and_begins_anew(state: Path) -> None:
    first_run = "--once", "--fresh", "--parts", "6", "--json", "--reader", "camera"
    lines, counted = Demo.ran(state, *first_run)
    assert len(lines) == 1
    assert tuple(counted) == KEYS
    # Six weapons of three pieces, and two trays of four cartons.
    assert counted.items() >= {"engraved": 26, "good": 26, "faults": {}, **NOTHING_WRONG}.items()
    assert running_in(state) == {}
    first = json.loads((state / "demo.json").read_text())
    assert {gateway: Path(path).name for gateway, path in first["journals"].items()} == {
        GRAMSH: "epoch-0001.db",
        POLICAN: "epoch-0001.db",
    }
    for gateway, journal in first["journals"].items():
        _verify_finds_one_changed_byte(Path(journal), state / f"{gateway}.copy.db")
        (state / f"{gateway}.copy.db").unlink()

    # It goes on: the same epochs, the next numbers, two addresses that others have taken.
    with ExitStack() as stack:
        taken = [first["ports"]["web"], first["ports"][GRAMSH]]
        for port in taken:
            stack.enter_context(socket.create_server(("127.0.0.1", port)))
        again = "--parts", "2", "--reader", "keyence-sr"
        lines, counted = Demo.ran(state, *again)  # no terminal: it ends by itself
    second = json.loads((state / "demo.json").read_text())
    for port, name in zip(taken, ("web", GRAMSH), strict=True):
        assert f"port {port} is taken; {name} uses {second['ports'][name]}" in lines
    assert any(second["addresses"]["registry"] in line for line in lines)
    _each_role_has_a_sign_in(lines, Path(second["accounts"]))
    assert counted.items() >= {"engraved": 36, "good": 36, **NOTHING_WRONG}.items()
    assert second["journals"] == first["journals"]
    for gateway, numbers, marks in ((GRAMSH, 8, 24), (POLICAN, 12, 12)):
        assert _numbers(Path(first["journals"][gateway])) == list(range(1, numbers + 1))
        assert len(set(engraved(state, gateway))) == marks
    assert second["equipment"][GRAMSH] == {"marker": "panasonic-lp", "reader": "keyence-sr"}
    assert sorted(len(piece["engravings"]) for piece in pieces(state)) == [1] * 24 + [4] * 3
    _each_piece_is_good_for_a_reason(Path(first["journals"][GRAMSH]), {"each"}, reads=24)
    # Carton 5; at the first run's end what was left of its last tray, 6 to 8; then all of 9 to 12.
    _each_piece_is_good_for_a_reason(Path(first["journals"][POLICAN]), {"sample"}, reads=8)

    _reconcile_names_a_number_whose_record_is_gone(state, second["database"])

    # Another marker has other jobs: only anew.
    refused = command("gjurma-sim", "demo", "--state", state, "--marker", "telesis", "--once")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "was begun with panasonic-lp, whose jobs its products name" in refused.stderr
    others = "--marker", "telesis", "--reader", "microscan"
    _, counted = Demo.ran(state, "--once", "--fresh", "--parts", "1", "--json", *others)
    assert counted.items() >= {"engraved": 7, "good": 7, **NOTHING_WRONG}.items()
    assert len(pieces(state)) == 4
    assert running_in(state) == {}


def _verify_finds_one_changed_byte(journal: Path, copy: Path) -> None:
    """`journal verify` of a stopped gateway's journal, and of a copy with one byte changed."""
    whole = command("gjurma-gateway", "journal", "verify", journal, "--json")
    report = json.loads(whole.stdout)
    assert (whole.returncode, report["good"], report["running"]) == (0, True, False), whole
    exported = command("gjurma-gateway", "journal", "export", copy, "--journal", journal)
    assert exported.returncode == 0, exported
    assert command("gjurma-gateway", "journal", "verify", copy).returncode == 0

    seq = report["records"] // 2
    with closing(sqlite3.connect(copy)) as db:
        (body,) = db.execute("SELECT body FROM record WHERE seq = ?", (seq,)).fetchone()
    content = bytearray(copy.read_bytes())
    assert content.count(body) == 1
    content[content.index(body) + len(body) // 2] ^= 0x01
    copy.write_bytes(content)
    changed = command("gjurma-gateway", "journal", "verify", copy)
    assert changed.returncode == 1
    assert re.search(rf"FAULT: record {seq} ", changed.stdout), changed.stdout


def _records(journal: Path) -> list[Record]:
    shown = command("gjurma-gateway", "journal", "show", journal, "--json")
    records = [decode_record(line.encode()) for line in shown.stdout.splitlines()]
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    return records


def _marks(journal: Path) -> list[Mark]:
    """What the intents of a journal announce, in their order."""
    return [m for record in _records(journal) if isinstance(record, Intent) for m in record.marks]


def _each_role_has_a_sign_in(lines: list[str], accounts: Path) -> None:
    """It is named, and its password lies in a file that nobody else reads; no log holds one."""
    kept = json.loads(accounts.read_text())
    sign_ins = {"administrator": kept["administrator"], **kept["sign-ins"]}
    assert len(sign_ins) == len(Role) + 1, "each role, and a second officer"
    assert accounts.stat().st_mode & 0o777 == 0o600
    logs = "".join(path.read_text() for path in (accounts.parent / "logs").iterdir())
    for role in Role:
        assert any(line.strip().startswith(f"{role} ") for line in lines)
    for each in sign_ins.values():
        assert any(f"account {each['account']}" in line for line in lines)
        assert each["password"] not in logs + "".join(lines)


def _numbers(journal: Path) -> list[int]:
    """The numbers that the intents of a journal spend, in their order."""
    sources = [mark.source for mark in _marks(journal)]
    return [source.number for source in sources if isinstance(source, FromBlock)]


def _each_piece_is_good_for_a_reason(journal: Path, modes: set[str], reads: int) -> None:
    """How the marks of a journal are to be read back, and how many reads there were."""
    assert {mark.readback.mode for mark in _marks(journal) if mark.readback} == modes
    verdicts = [each.verdict for each in _records(journal) if isinstance(each, Verified)]
    assert verdicts == ["good"] * reads


def _reconcile_names_a_number_whose_record_is_gone(state: Path, database: str) -> None:
    def reconcile() -> tuple[int, dict[str, Any]]:
        done = command("gjurma-central", "reconcile", "--state", state, "--json")
        balance: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, balance

    code, balance = reconcile()  # the demo is over: it starts the database by itself
    assert (code, balance["balanced"]) == (0, True)
    for entry in (*balance["orders"], *balance["gateways"]):
        good = 8 if GRAMSH in entry.values() or "G9-2026-11" in entry.values() else 12
        assert (entry["good"], entry["unused"], entry["unaccounted"]) == (good, 500 - good, [])

    with psycopg.connect(database, autocommit=True) as connection:
        found = connection.execute(
            "SELECT batch, pos, number FROM claim WHERE order_code = 'G9-2026-11' AND number = 3"
            " ORDER BY batch, pos"
        ).fetchone()
        assert found is not None
        gone = connection.execute("DELETE FROM record WHERE batch = %s AND pos = %s", found[:2])
        assert gone.rowcount == 1
    code, balance = reconcile()
    assert (code, balance["balanced"]) == (1, False)
    named = {entry.get("order"): entry["unaccounted"] for entry in balance["orders"]}
    assert named == {"G9-2026-11": ["26000003"], "FMJ-2026-11": []}


@pytest.mark.long
def test_faults_of_another_shell_and_a_clean_end(state: Path) -> None:
    demo = Demo.that_goes_on(state, "--marker", "gravotech-tl07", "--reader", "cognex-dmcc")
    try:
        demo.wait_started()
        _it_tells_where_everything_is(demo)
        _wrong_use_is_explained(demo)
        _the_cable(demo)
        _by_hand(demo)
        _kills(demo)
        for gateway in (POLICAN, GRAMSH):
            assert "loses a bit" in demo.did("garble", gateway)
            assert "a blank part" in demo.did("swap-part", gateway)
        before = {gateway: demo.engraved(gateway) for gateway in (POLICAN, GRAMSH)}
        wait_for(
            "marks after the swaps",
            lambda: all(demo.engraved(gateway) > number + 2 for gateway, number in before.items()),
            60,
        )
        demo.process.send_signal(signal.SIGINT)
        lines, counted = demo.ended()
    finally:
        demo.kill()
    assert len(lines) == 1
    assert (counted["lost"], counted["doubled"], counted["unaccounted"]) == (0, 0, 0)
    landed = {
        "cut-broker": 1,
        "kill-gateway": 1,
        "kill-ingest": 1,
        "swap-part": 2,
        "blind-reader": 1,
    }
    assert counted["faults"].items() >= landed.items()
    places = {(p["piece"], e["position"]) for p in pieces(state) for e in p["engravings"]}
    assert counted["engraved"] == len(places) == sum(counted[term] for term in TERMS)
    assert running_in(state) == {}


def _it_tells_where_everything_is(demo: Demo) -> None:
    told = demo.told
    for name in ("registry", "api", f"operator {GRAMSH}", f"operator {POLICAN}"):
        assert httpx.get(told["addresses"][name], follow_redirects=True).status_code == 200
    with psycopg.connect(told["database"]) as connection:
        assert connection.execute("SELECT count(*) FROM stream").fetchone() == (2,)
    for path in (told["central"], *told["configurations"].values(), *told["journals"].values()):
        assert Path(path).is_file()
    running = running_in(demo.state)
    assert set(told["pids"].values()) <= running.keys()
    assert told["pids"].keys() >= {"demo", "database", "broker", "web", "plan", GRAMSH, POLICAN}
    verified = command("gjurma-gateway", "journal", "verify", told["journals"][GRAMSH], "--json")
    report = json.loads(verified.stdout)
    assert (verified.returncode, report["good"], report["running"]) == (0, True, True), verified


def _wrong_use_is_explained(demo: Demo) -> None:
    assert "cut-broker: " in demo.did("list")
    for arguments, said in (
        (("rust",), "no fault 'rust'; there are cut-broker, "),
        (("kill-gateway", "tirana.line-9"), f"no gateway 'tirana.line-9'; there are {GRAMSH}, "),
        (("kill-ingest", "web"), "no ingest worker 'web'; there are ingest-1, "),
    ):
        done = demo.fault(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
    second = command("gjurma-sim", "demo", "--once", "--fresh", "--state", demo.state)
    assert (second.returncode, second.stdout) == (2, "")
    assert "a demo is running in" in second.stderr


def _the_cable(demo: Demo) -> None:
    assert "is pulled" in demo.did("cut-broker")
    wait_for("a cut line", lambda: not demo.page(GRAMSH)["link"]["connected"])
    before = demo.engraved(GRAMSH)
    wait_for("marks without a broker", lambda: demo.engraved(GRAMSH) > before + 1, 60)
    assert demo.page(GRAMSH)["link"]["waiting"] > 0
    assert "plugged in" in demo.did("restore-broker")
    wait_for("what waited to arrive", lambda: demo.page(GRAMSH)["link"]["waiting"] == 0, 60)


def _by_hand(demo: Demo) -> None:
    """The operator steps aside, somebody marks a piece, and the operator goes on."""
    assert "is yours" in demo.did("hand-over", GRAMSH)
    with httpx.Client(base_url=demo.told["addresses"][f"operator {GRAMSH}"]) as page:
        lead = json.loads((demo.state / "people.json").read_text())["people"][GRAMSH][1]
        page.post("api/sign-in", json={"badge": lead["badge"], "pin": lead["pin"]})

        def begin() -> bool:
            (station,) = page.get("api/state").json()["stations"]
            named = {"order": station["order"]["id"], "cycles": station["cycles"]}
            return page.post("api/stations/receivers/begin", json=named) is not None

        def rests() -> bool:
            marked = demo.engraved(GRAMSH)
            time.sleep(2)
            return demo.engraved(GRAMSH) == marked

        wait_for("the operator to step aside", rests)
        before = demo.engraved(GRAMSH)
        # A press before the blank lies there marks nothing; the next piece is laid by itself.
        wait_for(
            "two pieces by hand",
            lambda: begin() and demo.engraved(GRAMSH) >= before + 2,
        )
        assert "nothing will be seen" in demo.did("blind-reader", GRAMSH)

        def is_set_aside() -> bool:
            begin()
            (station,) = page.get("api/state").json()["stations"]
            return bool(station["phase"] == "set-aside")

        wait_for("a piece of which nothing is seen", is_set_aside)
        after = demo.engraved(GRAMSH)
    # What was left at the station, the operator sees to.
    demo.did("take-back", GRAMSH)
    wait_for("the operator's next", lambda: demo.engraved(GRAMSH) > after + 2)


def _kills(demo: Demo) -> None:
    pid, boot = demo.told["pids"][POLICAN], demo.page(POLICAN)["boot"]
    assert "was killed while" in demo.did("kill-gateway", POLICAN)
    assert demo.told["pids"][POLICAN] != pid

    def again() -> bool:
        try:
            return bool(demo.page(POLICAN)["boot"] != boot)
        except httpx.TransportError:
            return False

    wait_for("the gateway to be back", again, 60)
    before = demo.engraved(POLICAN)
    wait_for("marks after its death", lambda: demo.engraved(POLICAN) > before, 60)
    pid = demo.told["pids"]["ingest-2"]
    demo.did("kill-ingest", "ingest-2")
    assert demo.told["pids"]["ingest-2"] != pid


@pytest.mark.long
def test_a_killed_demo_is_cleaned_up_by_the_next_start_where_single_keys_do_it(
    state: Path,
) -> None:
    demo = Demo.that_goes_on(state, "--marker", "keyence-md", "--reader", "honeywell")
    try:
        demo.wait_started()
    finally:
        demo.kill()
    left = " ".join(running_in(state).values())
    assert all(each in left for each in ("gjurma-gateway", "gjurma-central", "gjurma-sim", "-D"))
    before = {gateway: demo.engraved(gateway) for gateway in (POLICAN, GRAMSH)}

    ours, theirs = pty.openpty()
    demo = Demo.start(state, stdin=theirs)
    try:
        os.close(theirs)
        wait_for(
            "marks after its death",
            lambda: all(demo.engraved(each) > number + 2 for each, number in before.items()),
            START_S,
        )
        os.write(ours, b"b")
        wait_for("a pulled cable", lambda: not demo.page(GRAMSH)["link"]["connected"])
        os.write(ours, b"b")
        wait_for("the cable back", lambda: demo.page(GRAMSH)["link"]["connected"])
        os.write(ours, b"q")
        lines, counted = demo.ended()
    finally:
        demo.kill()
        os.close(ours)
    assert counted.items() >= {"lost": 0, "doubled": 0, "unaccounted": 0, "unknown": 0}.items()
    assert counted.items() >= {"faults": {"cut-broker": 1}}.items()
    assert counted["engraved"] == len(engraved(state, GRAMSH)) + len(engraved(state, POLICAN))
    text = "\n".join(lines)
    for shown in ("b cut-broker", "q end", "badge operator-", "the broker's cable is plugged in"):
        assert shown in text
    assert running_in(state) == {}


def test_an_end_while_it_starts(state: Path) -> None:
    demo = Demo.start(state, "--once")
    try:
        wait_for("its folder", lambda: (state / "demo.json").exists())
        demo.process.send_signal(signal.SIGTERM)
        _, errors = demo.process.communicate(timeout=60)
    finally:
        demo.kill()
    assert demo.process.returncode == 1
    assert "ended before it had begun" in errors
    assert running_in(state) == {}


@pytest.mark.kill
def test_with_faults_of_every_kind(state: Path) -> None:
    arguments = ("--once", "--fresh", "--parts", "100", "--faults", "--seed", "20", "--json")
    lines, counted = Demo.start(state, *arguments).ended()
    assert len(lines) == 1
    assert tuple(counted) == KEYS
    assert (counted["lost"], counted["doubled"], counted["unaccounted"]) == (0, 0, 0)
    assert counted["engraved"] >= 0.95 * 400
    assert counted["good"] >= 0.95 * counted["engraved"]
    assert counted["faults"].pop("kill-armed") >= 10
    assert min(counted["faults"].values()) >= 3
    assert running_in(state) == {}
    journals = json.loads((state / "demo.json").read_text())["journals"]
    pistols = Counter(mark.component for mark in _marks(Path(journals[GRAMSH])))
    assert pistols.keys() == {"receiver", "barrel", "slide"}
    assert {mark.position for mark in _marks(Path(journals[POLICAN]))} == {1, 2, 3, 4}
    how = Counter(
        record.how
        for journal in journals.values()
        for record in _records(Path(journal))
        if isinstance(record, Settled)
    )
    assert how["remark"] > 0
    assert how["scrapped"] > 0
    # A second mark on the same metal lies there, as often as it was allowed at most.
    again = Counter(
        (piece["piece"], engraving["position"], engraving["content"])
        for piece in pieces(state)
        for engraving in piece["engravings"]
    )
    assert 0 < sum(count - 1 for count in again.values()) <= how["remark"]

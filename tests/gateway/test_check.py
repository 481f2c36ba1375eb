"""`check`: what cannot work is found without connecting, all at once, each with its line."""

from pathlib import Path

import pytest

from gateway.check import check
from gateway.config import load
from gateway.contract.errors import ConfigError
from gateway.contract.plan import CentralKey, Plan, encode_plan
from gateway.contract.signed import SigningKey
from gateway.identity import Identity
from tests.gateway.desk import Site, plan

NUMBER = "[)>\x1e06\x1d18S7A720{serial}"
PIECES = [{"name": "receiver", "symbol": "R"}, {"name": "slide", "symbol": "S"}]
KEY = SigningKey.from_bytes(bytes(range(32)))
SITE = """\
gateway = "gramsh.line-2"
journal = "journal"
[guard]
path = "guard/guard"
same_disk = true
[broker]
url = "mqtt://127.0.0.1:1883"
[central]
url = "https://central.example"
"""
CELL = """\
[[station]]
name = "cell"
start = "plc"
[station.marker]
kind = "modbus-cell"
url = "tcp://192.0.2.7:502"
options = { start = "input" }
"""
READER = """\
[[station.reader]]
kind = "zebra-ssi"
url = "serial:///dev/ttyS1"
"""
POST = """\
[[station]]
name = "post"
[station.reader]
kind = "zebra-ssi"
url = "serial:///dev/ttyS2"
"""


def readers(count: int, first: int = 1) -> str:
    """As many readers, each at a port of its own."""
    return "".join(READER.replace("ttyS1", f"ttyS{first + 10 * at}") for at in range(count))


def findings(site: Site, stations: str, made: Plan | None = None) -> list[str]:
    """What `check` says of these stations, with lines counted from the first of them."""
    if made is not None:
        payload = encode_plan(made, KEY)
        site.logbook.accept(made, payload)
    central = CentralKey.model_validate({"id": KEY.id, "use": "plan", "public": KEY.public.hex()})
    Identity(KEY, (central,)).save(site.path)
    text = SITE + stations
    path = site.folder / "gateway.toml"
    path.write_text(text)
    found = []
    for finding in check(load(path), text):
        line, _, words = finding.partition(": ")
        found.append(f"{int(line) - SITE.count(chr(10))}: {words}")
    return found


def test_a_tray_needs_a_reader_a_position_at_one_station_at_least(site: Site) -> None:
    tray = plan(tray=4)
    few = findings(site, CELL + readers(2) + POST, tray)
    why = "order o1 is read back in trays of 4, and there are 2 readers"
    assert few == [f"1: cell: {why}; write one [[station.reader]] a position"]
    assert findings(site, CELL + readers(4) + POST) == []
    assert (
        findings(site, CELL + readers(2) + CELL.replace('"cell"', '"cell-2"') + readers(4, 3)) == []
    )


@pytest.mark.parametrize("mode", ["eye", "elsewhere"])
def test_without_readers_only_what_no_reader_here_reads(site: Site, mode: str) -> None:
    assert findings(site, CELL, plan(tray=4, verify={"mode": mode, "reason": "curved"})) == []


def test_without_a_reader_what_is_to_be_read_here_cannot_be_marked(site: Site) -> None:
    (found,) = findings(site, CELL, plan(verify={"mode": "sample", "every": 5}))
    assert found.startswith("1: cell: order o1 is read back, and there are no readers;")


def test_a_marker_of_one_position_cannot_mark_a_tray(site: Site) -> None:
    laser = CELL.replace("modbus-cell", "panasonic-lp").replace('options = { start = "input" }', "")
    (found,) = findings(site, laser + readers(2), plan(tray=2))
    assert found.startswith("1: cell: order o1 cannot be engraved here: ")


@pytest.mark.parametrize("start", ["plc", "pedal"])
def test_who_fires_must_be_what_the_marker_is_set_to(site: Site, start: str) -> None:
    cell = CELL.replace("plc", start)
    assert findings(site, cell + READER) == []
    for stations, words in (
        (cell.replace('{ start = "input" }', "{}"), f'start = "{start}"'),
        (cell.replace(f'start = "{start}"', 'start = "operator"'), 'start = "operator"'),
    ):
        (found,) = findings(site, stations + READER)
        assert found.startswith(f"7: cell: {words}")
        assert "set the driver's options" in found


@pytest.mark.parametrize("start", ["plc", "pedal"])
def test_a_marker_that_cannot_be_armed_for_one_shot_is_fired_by_command_alone(
    site: Site, start: str
) -> None:
    cell = CELL.replace('options = { start = "input" }', "").replace("modbus-cell", "telesis")
    (found,) = findings(site, cell.replace("plc", start) + READER)
    assert found.startswith(f'3: cell: start = "{start}" needs a marker that can be armed for one')
    assert 'telesis cannot; write start = "operator"' in found


def test_pieces_that_no_order_has_are_named_where_they_are_written(site: Site) -> None:
    pistol = plan(components=PIECES, template={"content": f"{NUMBER}\x1d20P{{component}}\x1e\x04"})
    cell = CELL.replace('start = "plc"', 'start = "plc"\ncomponents = ["slide", "barrell"]')
    found = findings(site, cell + READER, pistol)
    assert found == ["4: cell: no order has barrell; its orders have receiver, slide"]


def test_pieces_of_one_number_are_one_item(site: Site) -> None:
    apart = {"content": "[)>\x1e06\x1d17V7A720\x1d1PP{component}\x1dS{serial}\x1e\x04"}
    (found,) = findings(site, CELL + READER, plan(components=PIECES, template=apart))
    assert "order o1: its template gives the pieces of one number several UIIs" in found


def test_everything_at_once(site: Site) -> None:
    stations = (
        CELL.replace("modbus-cell", "modbus-sell").replace("plc", "operator")
        + READER.replace("zebra-ssi", "zebra")
        + READER.replace("serial:///dev/ttyS1", "tcp://no-port")
        + POST.replace("zebra-ssi", "panasonic-lp")
    )
    found = findings(site, stations)
    assert [each.partition(": ")[0] for each in found] == ["5", "9", "13", "17"]


@pytest.mark.parametrize(
    ("station", "words"),
    [
        ('[[station]]\nname = "x"\n', "neither a marker nor a reader"),
        (
            POST + 'options = {}\n[[station]]\nname = "y"\nstart = "plc"\n' + READER,
            "needs a marker",
        ),
        (POST.replace('name = "post"', 'name = "post"\ncomponents = ["slide"]'), "are marked"),
    ],
)
def test_a_station_that_could_do_nothing_is_refused_when_it_is_read(
    tmp_path: Path, station: str, words: str
) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(SITE + station)
    with pytest.raises(ConfigError, match=words):
        load(path)


@pytest.mark.parametrize(
    ("marker", "reader", "told"),
    [
        ("serial:///dev/ttyS1?baudrate=19200", "serial:///dev/ttyS1", "line/reader: url: serial:"),
        ("serial:///dev/ttyS1", "serial:///dev/./ttyS1?parity=E", "is the wire of line/marker"),
        ("serial:///?usb=A5", "serial:///?usb=A5&baudrate=1200", "is the wire of line/marker"),
        ("tcp://cell:4001", "rfc2217://CELL:4001", "a wire has one device"),
        ("serial:///?usb=A5&interface=0", "serial:///?usb=A5&interface=1", ""),
        ("tcp://cell:4001", "tcp://cell:4002", ""),
        ("tls://cell:4001?ca=/none/ca.crt", "tcp://cell:4002", "/none/ca.crt: No such file"),
    ],
)
def test_a_wire_has_one_device(site: Site, marker: str, reader: str, told: str) -> None:
    line = f'''\
[[station]]
name = "line"
[station.marker]
kind = "telesis"
url = "{marker}"
[station.reader]
kind = "zebra-ssi"
url = "{reader}"
'''
    found = findings(site, line)
    assert [told in each for each in found] == ([True] if told else [])
    if told:
        assert found[0].startswith("5:" if "none" in told else "8:")

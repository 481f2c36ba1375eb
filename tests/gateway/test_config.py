"""The configuration: every error at once, each with its line and what would be right."""

from pathlib import Path

import pytest

from gateway.config import load
from gateway.contract.errors import ConfigError

GOOD = """\
gateway = "gramsh.line-2"
journal = "journal"

[guard]
path = "/media/guard/guard"

[broker]
url = "mqtts://broker.example"
ca = "ca.pem"
cert = "/etc/gjurma/cert.pem"

[central]
url = "https://central.example"

[[station]]
name = "laser"
marker = { kind = "panasonic-lp", url = "serial:///dev/ttyS0?baudrate=9600" }

[station.reader]
kind = "zebra-ssi"
url = "serial:///dev/ttyS1"
options = { aim_identifiers = true }

[[station]]
name = "press"
start = "pedal"

[station.marker]
kind = "modbus-cell"
url = "tcp://192.0.2.7:502"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(text)
    return path


def faults(folder: Path, text: str) -> list[str]:
    path = written(folder, text)
    with pytest.raises(ConfigError) as refused:
        load(path)
    return [line.removeprefix(f"{path}:") for line in str(refused.value).splitlines()]


def test_a_whole_file(tmp_path: Path) -> None:
    config = load(written(tmp_path, GOOD))
    assert [station.name for station in config.station] == ["laser", "press"]
    assert [reader.options for reader in config.station[0].reader] == [{"aim_identifiers": True}]
    assert config.station[1].reader == ()
    assert (config.broker.host, config.broker.port, config.broker.tls) == (
        "broker.example",
        8883,
        True,
    )
    assert (config.screen.host, config.screen.port) == ("127.0.0.1", 8091)


def test_relative_paths_lie_beside_the_file(tmp_path: Path) -> None:
    config = load(written(tmp_path, GOOD))
    assert config.journal == tmp_path / "journal"
    assert config.guard.path == Path("/media/guard/guard")
    assert config.broker.ca == tmp_path / "ca.pem"
    assert config.broker.cert == Path("/etc/gjurma/cert.pem")
    assert config.broker.key is None


def test_all_errors_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = (
        GOOD.replace('gateway = "gramsh', 'gateway = "Gramsh')
        .replace("mqtts://", "http://")
        .replace("https://central", "central")
        .replace('start = "pedal"', 'start = "hand"\nlook_s = 0\nspeed = 3')
        .replace("[guard]", "[guard]\nsame_disc = true")
    )
    found = faults(tmp_path, text)
    assert [line.split(": ")[:2] for line in found] == [
        ["1", "gateway"],
        ["5", "guard.same_disc"],
        ["9", "broker.url"],
        ["14", "central.url"],
        ["27", "station.1.start"],
        ["28", "station.1.look_s"],
        ["29", "station.1.speed"],
    ]
    assert "no such key; take it out or correct its spelling" in found[1]
    assert "write mqtt://host:port or mqtts://host:port" in found[2]
    assert "write https://host" in found[3]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('marker = { kind = "panasonic-lp", url = "s', 'marker = { kind = 3, url = "s', "17: "),
        ('[station.reader]\nkind = "zebra-ssi"', "[station.reader]", "19: station.0.reader.kind"),
        (
            "options = { aim_identifiers = true }",
            '[[station.reader]]\nkind = "zebra-ssi"',
            "is not TOML",
        ),
        ('[guard]\npath = "/media/guard/guard"', "guard.path = 3", "4: guard.path"),
        ('name = "press"', 'name = "laser"', ": station: two stations are named laser"),
        ("broker.example", "broker.example:0", "8: broker.url"),
        ("broker.example", "broker.example:77777", "8: broker.url"),
        ("broker.example", "broker.example:port", "8: broker.url"),
        ("broker.example", "[broker", "8: broker.url"),
        ("[central]", '[screen]\nlisten = "127.0.0.1:99999"\n[central]', "13: screen.listen"),
        ("[central]", '[screen]\nlisten = "127.0.0.1"\n[central]', "13: screen.listen"),
        ('[central]\nurl = "https://central.example"\n', "", "1: central: is missing"),
        ("[guard]", "[guard", "is not TOML"),
    ],
)
def test_each_error_says_where(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert GOOD.count(old) == 1
    found = faults(tmp_path, GOOD.replace(old, new))
    assert len(found) == 1, found
    assert expected in found[0]


def test_a_file_that_is_no_text_or_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml")
    path = tmp_path / "gateway.toml"
    path.write_bytes(b'gateway = "\xff"')
    with pytest.raises(ConfigError, match="not UTF-8 at byte 11"):
        load(path)


def test_several_readers_of_several_stations_are_told_apart(tmp_path: Path) -> None:
    reader = '[[station.reader]]\nkind = "zebra-ssi"\nurl = "serial:///dev/ttyS3"\n'
    laser, press = (
        GOOD.split("[station.reader]")[0],
        GOOD[GOOD.index('[[station]]\nname = "press') :],
    )
    text = laser + reader * 2 + press + reader + reader.replace("url", "uri") + reader
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        load(path)
    line = text[: text.index("uri")].count("\n") + 1
    assert f":{line}: station.1.reader.1.uri: no such key" in str(refused.value)
    config = load(written(tmp_path, text.replace("uri", "url")))
    assert [name for name, _ in config.station[1].named_readers] == [
        "press/reader-1",
        "press/reader-2",
        "press/reader-3",
    ]

"""The driver of a third party in docs/example-driver: installed by pip, listed, probed, at work."""

import asyncio
import json
import subprocess
import sys
import tomllib
from asyncio.subprocess import PIPE
from os import environ
from pathlib import Path
from zipfile import ZipFile

import pytest

from gateway.agent import build_readers
from gateway.check import check
from gateway.config import load
from gateway.kinds import described
from simulators.faults import Faults
from simulators.pipe import serve
from simulators.scripted import Expect, Reply, Script

SOURCE = Path(__file__).parent.parent / "docs" / "example-driver"
CODE = "[)>\x1e06\x1d18S7A72000000001\x1e\x04"


def hexed(text: str) -> str:
    return text.encode("latin-1").hex()


# Raw bytes, as they stand in the telegrams of the reader.
WHO = (
    Expect(hexed("\x02sRN DeviceIdent\x03")),
    Reply(hexed("\x02sRA DeviceIdent 8 LECTOR63 5 V2.10\x03")),
)
LOOK = (
    Expect(hexed("\x02sMN mTCgateoff\x03")),
    Reply(hexed("\x02sAN mTCgateoff 1\x03")),
    *WHO,
    Expect(hexed("\x02sMN mTCgateon\x03")),
    Reply(hexed("\x02sAN mTCgateon 1\x03")),
)
CLOSE = (
    Expect(hexed("\x02sMN mTCgateoff\x03")),
    Reply(hexed("\x02sAN mTCgateoff 1\x03")),
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has put the distribution. Its wheel needs no network to be made."""
    folder = tmp_path_factory.mktemp("third-party")
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]
    stem = f"{project['name'].replace('-', '_')}-{project['version']}"
    wheel, info = folder / f"{stem}-py3-none-any.whl", f"{stem}.dist-info"
    (entries,) = project["entry-points"].items()
    names = "".join(f"{name} = {where}\n" for name, where in entries[1].items())
    with ZipFile(wheel, "w") as archive:
        for path in sorted((SOURCE / "gjurma_sick_cola").glob("*.py")):
            archive.write(path, str(path.relative_to(SOURCE)))
        head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        archive.writestr(f"{info}/METADATA", head)
        archive.writestr(f"{info}/entry_points.txt", f"[{entries[0]}]\n{names}")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        record = "".join(f"{name},,\n" for name in archive.namelist())
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--disable-pip-version-check", "--target", str(folder / "site"), str(wheel)),
        ],
        check=True,
    )
    return folder / "site"


@pytest.fixture
def loaded(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The distribution is there for this process as well."""
    monkeypatch.syspath_prepend(installed)


@pytest.mark.slow
async def test_the_program_lists_and_probes_it(installed: Path) -> None:
    async def gateway(*words: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", *words),
            stdout=PIPE,
            env={**environ, "PYTHONPATH": str(installed)},
        )
        out, _ = await process.communicate()
        return process.returncode, out.decode()

    code, out = await gateway("drivers", "--json")
    assert code == 0
    told = {each["name"]: each for each in json.loads(out)}["sick-cola"]
    assert told["role"] == "reader"
    assert told["wires"] == ["serial", "tcp", "tls", "rfc2217"]
    assert all(option["meaning"] for option in told["options"])
    script = Script(*WHO, *WHO)
    listener = await serve("tcp://127.0.0.1:0", script, Faults())
    code, out = await gateway("probe", listener.url, "--kind", "sick-cola", "--bytes")
    assert code == 0
    assert f"{listener.url}: SICK LECTOR63 V2.10\n" in out
    assert "> 02 73 52 4e 20 44 65 76" in out
    assert "who is there" in out
    script.check()
    await listener.close()


CONFIG = """
gateway = "site.line"
journal = "journal"
[guard]
path = "guard"
same_disk = true
[broker]
url = "mqtt://127.0.0.1:1883"
[central]
url = "http://127.0.0.1:8000"
[[station]]
name = "post"
[station.reader]
kind = "sick-cola"
url = "{url}"
options = {{ linger = 0.02 }}
"""


@pytest.mark.usefixtures("loaded")
async def test_a_station_is_built_with_it_and_looks(tmp_path: Path) -> None:
    script = Script(*WHO, *LOOK, Reply(hexed(f"\x02{CODE}\x03"), wait=0.05), *CLOSE)
    file = tmp_path / "gateway.toml"

    listener = await serve("tcp://127.0.0.1:0", script, Faults())
    file.write_text(CONFIG.format(url=listener.url))
    (reader,) = build_readers(load(file).station[0])
    await reader.connect()
    await reader.flush()
    await reader.open()
    readings = await reader.read(5)
    await reader.close()
    await reader.shut()
    await listener.close()
    assert [reading.content for reading in readings] == [CODE]
    script.check()
    assert check(load(file), file.read_text()) == []
    file.write_text(file.read_text().replace("linger", "langer"))
    assert "options.langer: no such key" in "".join(check(load(file), file.read_text()))


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        (("\x02sAN mTCgateon 0\x03",), "device-refused"),
        (("\x02sFA 3\x03",), "device-refused"),
        (("\x02sAN mTCgateoff 1\x03",), "unexpected-reply"),
        (("\x02sAN\x03",), "link-timeout"),  # read, and not answered
    ],
)
async def test_what_a_reader_may_answer_to_a_trigger(
    tmp_path: Path, answers: tuple[str, ...], fault: str
) -> None:
    from drivers.catalog import find
    from drivers.errors import DeviceError

    script = Script(*WHO, LOOK[-2], *(Reply(hexed(answer)) for answer in answers))
    listener = await serve("tcp://127.0.0.1:0", script, Faults())
    kind = find("sick-cola")
    options = kind.options.model_validate({"reply_seconds": 0.3})
    reader = kind.build(listener.url, options, "reader")
    await reader.connect()
    with pytest.raises(DeviceError) as told:
        await reader.open()  # type: ignore[union-attr]
    await reader.shut()  # type: ignore[union-attr]
    await listener.close()
    assert told.value.code == fault


def test_a_driver_that_is_broken_is_told_and_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gjurma.drivers]\nbroken = broken_driver:KIND\n")
    (tmp_path / "broken_driver.py").write_text("raise RuntimeError('no licence')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert described("broken") == {"name": "broken", "fault": "RuntimeError: no licence"}
    assert described("telesis")["role"] == "marker"

"""The plain properties of every family, and that the kit sees a driver which breaks one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conformance import command, markers
from conformance.rig import CONTENT, Broken, Rig, spread
from conformance.run import PLAIN, chosen, properties, tried
from conformance.wire import Tap
from drivers.catalog import find
from drivers.errors import DeviceError
from drivers.options import given
from drivers.protocols import Did, Outcome
from simulators.__main__ import main
from tests.families import Device, devices, families
from tests.families.conformance import former, table
from tests.families.rigs import rigged

EVERY = [
    pytest.param(family, name, id=f"{family.name}-{name}")
    for family in devices().values()
    for name in chosen(PLAIN, properties(family.role, marks=True))
]


@pytest.mark.parametrize(("family", "name"), EVERY)
async def test_a_plain_property_holds(family: Device, name: str) -> None:
    attempt = properties(family.role, marks=True)[name]
    result = await tried(name, attempt, partial(rigged, family, 2), 60)
    assert result.verdict == ("not offered" if name in family.lacks else "held"), result.why


@pytest.mark.parametrize("family", devices().values(), ids=devices())
async def test_a_reply_lost_at_some_points(family: Device) -> None:
    attempt = properties(family.role, marks=True)["a reply lost"]
    result = await tried("", attempt, partial(rigged, family, 3), 240)
    assert result.verdict == "held", result.why


@pytest.mark.parametrize(
    ("said", "engraved", "why"),
    [
        (Did.DONE, [], "blank"),
        (Did.NOT_STARTED, [CONTENT], "is engraved"),
        (Did.UNKNOWN, [CONTENT, CONTENT], "on the part"),
        (Did.UNKNOWN, ["another"], "on the part"),
    ],
)
def test_driver_and_part_that_do_not_agree(said: Did, engraved: list[str], why: str) -> None:
    with pytest.raises(Broken, match=why):
        markers.agree(said, engraved, CONTENT)


def _lying(**wrong: Any) -> Any:
    """A rig whose driver has methods of its own."""

    @asynccontextmanager
    async def made() -> AsyncIterator[Rig]:
        async with rigged(families()["telesis"], 2) as rig:
            sound = rig.driver

            def driver() -> Any:
                found = sound()
                for name, method in wrong.items():
                    setattr(found, name, partial(method, found))
                return found

            rig.driver = driver  # type: ignore[method-assign]
            yield rig

    return made


async def _nothing_fired(driver: Any) -> None:
    return None


async def _always_done(driver: Any, timeout: float) -> Outcome:
    return Outcome(Did.DONE)


async def _always_not_started(driver: Any, timeout: float) -> Outcome:
    await asyncio.sleep(timeout)
    return Outcome(Did.NOT_STARTED)


async def _no_disarm(driver: Any, sequence: int | None = None) -> None:
    return None


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"fire": _nothing_fired, "outcome": _always_done}, "the part is blank"),
        ({"outcome": _always_not_started}, "the part is engraved"),
        ({"disarm": _no_disarm}, "disarmed, and its input fires it"),
    ],
)
async def test_a_driver_that_lies_is_seen(wrong: dict[str, Any], why: str) -> None:
    result = await tried("", markers.by_command, _lying(**wrong), 60)
    assert result.verdict == "failed"
    assert why in result.why


async def test_a_property_that_takes_for_ever_or_fails_by_name_has_failed() -> None:
    async def never(rig: Rig) -> None:
        await asyncio.Event().wait()

    async def fails(rig: Rig) -> None:
        await rig.driver().connect()
        raise DeviceError("device", "x", "y")

    rig = partial(rigged, families()["telesis"], 2)
    assert "not over" in (await tried("", never, rig, 0.3)).why
    assert "device-error" in (await tried("", fails, rig, 60)).why


def test_faults_by_the_piece() -> None:
    tap = Tap()
    tap.strike("noise", "to_host", 1, 0)
    told = [b"".join(each.data for each in tap.meet("to_host", b"ab")) for _ in range(3)]
    assert told[0] == told[2] == b"ab"
    assert told[1].startswith(b"\xff")
    assert b"ab" in told[1]
    assert tap.landed["noise"] == 1
    tap.strike("drop", "to_host", 0, 0)
    assert tap.meet("to_device", b"x")[0].data == b"x"
    assert tap.meet("to_host", b"x") == []


def test_points_are_spread_and_the_ends_are_among_them() -> None:
    assert spread(3, 5) == [0, 1, 2]
    assert spread(100, 4) == [0, 33, 66, 99]


async def _served(family: Device, words: list[str], contents: tuple[str, ...]) -> int:
    async with rigged(family, 2) as rig:
        await rig.metal.lay(*contents)
        given = [f"--option={name}={value}" for name, value in family.options.items()]
        arguments = ["conformance", rig.url, "--kind", family.kind, *given, *words]
        code = await asyncio.to_thread(main, arguments)
        assert await rig.metal.contents() == list(contents)
        return code


async def test_a_marker_is_only_asked_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    family = families()["gravotech_tl07"]
    assert await _served(family, ["--only", "identify"], ()) == 0
    assert capsys.readouterr().out == "identify: held\n"
    assert "a shot by command" not in properties("marker", marks=False)


@pytest.mark.parametrize("name", ["cognex_dmcc", "camera"])
async def test_a_reader_by_hand_is_held_to_what_lies_there(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    family = devices()[name]
    assert await _served(family, ["--only", "second master"], (CONTENT,)) == 0
    assert "a second master: held" in capsys.readouterr().out
    words = ["--only", "second master", "--expect", "another"]
    assert await _served(family, words, (CONTENT,)) == 1
    assert "failed" in capsys.readouterr().out


def test_pictures_in_a_folder_have_no_wire(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["conformance", f"folder://{tmp_path}", "--kind", "camera"]) == 2
    assert "no wire for faults" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--mark"], ["--mark", "--job", "PART"], ["--option", "nothing=1"]]
)
def test_nothing_is_engraved_without_a_person(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["conformance", "serial:///dev/none", "--kind", "telesis", *words]
    assert main(asked) == 2
    assert capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--only", "nothing"], "there are identify, questions through faults"),
        (["--only", "a shot"], "the others of a marker need --mark"),
        (["--option", "colour=red"], "options.colour: no such key"),
        (["--option", "colour"], "not of the form name=value"),
    ],
)
def test_wrong_use_is_told_in_words(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["conformance", "serial:///dev/none", "--kind", "telesis", *words]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert "pydantic" not in said


def test_a_list_is_an_option_with_commas_or_named_again() -> None:
    options = find("keyence-sr").options
    pairs = [("appended", "code,angle"), ("appended", "bank"), ("framing", "cr")]
    assert given(options, pairs) == {"appended": ["code", "angle", "bank"], "framing": "cr"}


def test_a_person_who_does_not_type_yes_engraves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["y", "YES", ""])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    asked = ["conformance", "serial:///dev/none", "--kind", "telesis", "--mark", "--job", "PART"]
    for _ in range(3):
        assert main(asked) == 2
    assert command.SECONDS > 0


def test_the_table_has_a_column_for_each_family() -> None:
    told = table({"a": {"x": "held"}, "b": {"y": "failed"}})
    assert told.splitlines()[2:] == ["| x | held | – |", "| y | – | failed |"]
    assert former(told) == {"a": {"x": "held"}, "b": {"y": "failed"}}
    assert former("") == {}

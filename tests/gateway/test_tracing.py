"""A gateway at work whose wires are recorded: each number's text is sent once, and nobody waits."""

import json
from pathlib import Path

import pytest

from drivers.trace import TraceFile, watching
from tests.gateway.test_whole_cycle import People, client, marks, states
from tests.support.line import Fit, line

pytestmark = pytest.mark.slow  # real wires and simulated devices


async def test_two_marks_are_in_the_trace_with_both_devices(tmp_path: Path) -> None:
    path = tmp_path / "trace"

    async def whole() -> list[str]:
        fit = Fit("post", "gravotech-tl07")
        async with line(tmp_path, (fit,)) as made, client(made) as web:
            people = People(made, web, fit.name)
            for _ in range(2):
                made.parts.load("post")
                await people.mark()
            assert states(made) == {"good": 2}
            return [mark.content for mark in marks(made)]

    file = TraceFile(path)
    with watching(file):
        contents = await whole()
    file.close()
    told = [json.loads(each) for each in path.read_text().splitlines()]
    assert {each["device"] for each in told} == {"post/marker", "post/reader"}
    sent = [each["text"] for each in told if each["way"] == "sent"]
    for content in contents:
        body = content.removeprefix("[)>\x1e06\x1d").removesuffix("\x1e\x04").replace("\x1d", ".")
        assert len([text for text in sent if body in text]) == 1
    assert len([text for text in sent if text == "GO."]) == 2

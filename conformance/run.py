"""The properties by name, each tried on a rig of its own, and what came of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Literal

from conformance import markers, questions, readers
from conformance.questions import BOTH
from conformance.rig import Broken, NotOffered, Rig
from drivers.errors import DeviceError

Try = Callable[[Rig], Awaitable[None]]
Verdict = Literal["held", "not offered", "failed"]
_LOST: tuple[Literal["to_host"], ...] = ("to_host",)
_SLOW, _WRONG = ("split",), ("flip", "double")

_MARKER: dict[str, Try] = {
    "refusals": markers.refusals,
    "a shot by command": markers.by_command,
    "a shot by its input": markers.by_input,
    "a reply lost": partial(markers.through, kinds=("drop", "short"), directions=_LOST),
    "a command lost": partial(markers.through, kinds=("drop", "short"), directions=("to_device",)),
    "a late reply": partial(markers.through, kinds=("delay",), directions=_LOST),
    "garbage": partial(markers.through, kinds=("noise",), directions=BOTH),
    "slow and split": partial(markers.through, kinds=_SLOW, directions=BOTH),
    "turned and doubled": partial(markers.through, kinds=_WRONG, directions=BOTH),
    "the line cut": partial(markers.through, kinds=("cut",), directions=BOTH),
    "a second master": markers.second_master,
    "a restart": markers.restarted,
    "power cut": markers.power_cut,
}
_READER: dict[str, Try] = {
    "refusals": readers.refuses,
    "reads what is there": readers.reads,
    "nothing of before": readers.abandoned,
    "a reply lost": partial(readers.through, kinds=("drop", "short"), directions=_LOST),
    "a command lost": partial(readers.through, kinds=("drop", "short"), directions=("to_device",)),
    "a late reply": partial(readers.through, kinds=("delay",), directions=_LOST),
    "garbage": partial(readers.through, kinds=("noise",), directions=BOTH),
    "slow and split": partial(readers.through, kinds=_SLOW, directions=BOTH),
    "turned and doubled": partial(readers.through, kinds=_WRONG, directions=BOTH),
    "the line cut": partial(readers.through, kinds=("cut",), directions=BOTH),
    "a second master": readers.second_session,
    "power cut": readers.power_cut,
}
_ASKING: dict[str, Try] = {
    "identify": questions.identify,
    "questions through faults": partial(
        questions.answers,
        kinds=("drop", "short", "delay", "noise", "split", "cut"),
        directions=BOTH,
    ),
    "a second connection": questions.second_connection,
}
PLAIN = ("identify", "a second connection", "refusals", "a shot by command", "reads what is there")
"""Those that let no fault in."""


def properties(role: Literal["marker", "reader"], marks: bool) -> dict[str, Try]:
    """All that can be tried; of a marker that must not mark, what only asks."""
    if role == "reader":
        return {**_ASKING, **_READER}
    return {**_ASKING, **(_MARKER if marks else {})}


@dataclass(frozen=True)
class Result:
    """What came of one property; `why` where it failed."""

    name: str
    verdict: Verdict
    why: str = ""

    def line(self) -> str:
        return f"{self.name}: {self.verdict}{': ' if self.why else ''}{self.why}"


async def tried(
    name: str, attempt: Try, rigged: Callable[[], AbstractAsyncContextManager[Rig]], seconds: float
) -> Result:
    """Try one property, for so many seconds at most."""
    try:
        async with asyncio.timeout(seconds), rigged() as rig:
            await attempt(rig)
    except NotOffered:
        return Result(name, "not offered")
    except Broken as fault:
        return Result(name, "failed", str(fault))
    except TimeoutError:
        return Result(name, "failed", f"not over after {seconds:g} s")
    except DeviceError as fault:
        return Result(name, "failed", f"{fault.code} where all should be well: {fault}")
    return Result(name, "held")


def chosen(names: Sequence[str], found: dict[str, Try]) -> dict[str, Try]:
    """Those of which one of `names` is a part; all where there are none."""
    return {
        name: attempt
        for name, attempt in found.items()
        if not names or any(part in name for part in names)
    }

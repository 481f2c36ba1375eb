"""A kill at every step: the part, the journal and the register agree after any of them.

The gateway's process is ended by SIGKILL just before or just after an effect of the cycle, the
real `gjurma-gateway run` is started, people do what its page asks for, and one more part is
marked. Cases of one kind of station follow each other on one gateway, so each has to leave it
fit for the next.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.crash.agreement import assert_agree, assert_balanced, balance, intents
from tests.crash.site import STATION, Kind, Site, Start
from tests.support.wait import wait_for

CYCLE = (
    *("Prepare", "Look", "CommitIntent", "WriteGuard", "Arm", "Fire", "AwaitOutcome"),
    *("RecordMarked", "Disarm", "Read", "RecordVerified"),
)
RECOVERY = ("Inspect", "Disarm", "RecordMarked", "Read", "RecordVerified")
"""What a start does about a part that was marked and of which nothing is journalled."""

Stations = Callable[[Kind, Start], Site]


@dataclass(frozen=True)
class Case:
    """Where the process is ended. `then`: a second kill, of the process that recovers.

    `foot`: whether somebody steps on the pedal as soon as the device is armed, gateway or not.
    """

    kind: Kind
    start: Start
    kill: str
    then: str = ""
    foot: bool = True

    def __str__(self) -> str:
        words = (self.kind, self.start, self.kill, self.then, "" if self.foot else "unpressed")
        return " ".join(word for word in words if word)


def every_case() -> Iterator[Case]:
    """Every effect, before and after, operator and pedal, laser and cell; then the recoveries."""
    kinds: tuple[Kind, ...] = ("panasonic-lp", "modbus-cell")
    starts: tuple[Start, ...] = ("operator", "pedal")
    for kind in kinds:
        for start in starts:
            for moment in ("before", "after"):
                for effect in CYCLE:
                    if start == "operator" or effect != "Fire":  # there the pedal fires
                        yield Case(kind, start, f"cycle:{moment}:{effect}:1")
                for effect in RECOVERY:
                    then = f"recovery:{moment}:{effect}:1"
                    yield Case(kind, start, "cycle:after:AwaitOutcome:1", then)
        yield Case(kind, "pedal", "cycle:after:Arm:1", foot=False)
        yield Case(kind, "pedal", "cycle:before:AwaitOutcome:1", foot=False)
        for start in starts:
            then = "recovery:after:RecordMarked:1"
            yield Case(kind, start, "cycle:after:Arm:1", then, foot=False)


SAMPLE = (
    Case("modbus-cell", "pedal", "cycle:before:CommitIntent:1"),
    Case("panasonic-lp", "pedal", "cycle:after:Arm:1"),
    Case("panasonic-lp", "pedal", "cycle:after:AwaitOutcome:1", "recovery:after:Inspect:1"),
)


@pytest.mark.slow
@pytest.mark.parametrize("case", SAMPLE, ids=str)
def test_a_sample_of_kills(case: Case, lasting_site: Stations) -> None:
    _kill_and_compare(case, lasting_site(case.kind, case.start))


@pytest.mark.kill
@pytest.mark.parametrize("case", tuple(every_case()), ids=str)
def test_every_kill(case: Case, lasting_site: Stations) -> None:
    _kill_and_compare(case, lasting_site(case.kind, case.start))


def _kill_and_compare(case: Case, site: Site) -> None:
    site.kill()
    piece = site.parts.load(STATION)
    spent_before = len(intents(site))
    site.run(kill=case.kill)
    site.page.wait_permitted()
    site.page.sign_in()
    with contextlib.suppress(httpx.TransportError):  # it may die before it answers
        site.page.begin()
    pressed = not (case.start == "pedal" and case.foot)

    def dead() -> bool:
        nonlocal pressed
        if not pressed:
            pressed = site.press_pedal()
        return site.died()

    wait_for(f"the kill {case.kill}", dead)
    if not pressed:
        site.press_pedal()  # the gateway is dead; where it left the device armed, that fires
    if case.then:
        site.run(kill=case.then)
        wait_for(f"the kill {case.then}", site.died)
    spent = len(intents(site)) - spent_before

    site.run()
    site.see_to()
    assert site.parts.present(STATION) == piece
    assert len(intents(site)) - spent_before == spent <= 1, "a recovery spends no number"
    site.mark_good()
    site.wait_delivered()
    assert_balanced(site, assert_agree(site), balance(site.centre))

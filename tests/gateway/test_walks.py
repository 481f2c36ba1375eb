"""The marking cycle by random walks: every fate of every effect, at every kind of station.

What must hold is checked in `Metal`, at each effect. Faults come in spells, so that whole cycles
happen as well. A seed decides everything.
"""

from collections.abc import Callable
from random import Random

import pytest

from gateway import moves as m
from gateway.moves import Phase
from gateway.verdicts import Unexpected
from tests.gateway import records
from tests.gateway.bench import Part, Setup
from tests.gateway.metal import Fate, Metal

PIECES = ("receiver", "barrel", "slide")
SETUPS = {
    "laser": Setup(),
    "pedal": Setup(by_input=True),
    "cell": Setup(keeps=True),
    "cell with a pedal": Setup(by_input=True, keeps=True),
    "hands-free": Setup(by_input=True, waits=True),
    "eye": Setup(reader=False, mode="eye"),
    "eye and pedal": Setup(by_input=True, reader=False, mode="eye"),
    "eye beside a reader": Setup(mode="eye", tray=2, keeps=True),
    "tray": Setup(tray=3),
    "tray in a cell": Setup(tray=3, keeps=True),
    "tray in a cell, by pedal": Setup(tray=3, keeps=True, by_input=True),
    "tray by eye": Setup(tray=3, keeps=True, reader=False, mode="eye"),
    "pieces": Setup(pieces=PIECES),
    "pieces in a cell": Setup(pieces=PIECES, keeps=True, tray=2),
    "sample": Setup(mode="sample", every=3),
    "sample of trays": Setup(mode="sample", every=5, tray=2, keeps=True),
    "sample of pieces": Setup(mode="sample", every=4, pieces=PIECES, keeps=True),
    "elsewhere": Setup(mode="elsewhere"),
    "elsewhere, trays": Setup(mode="elsewhere", tray=3, keeps=True),
    "elsewhere, no reader": Setup(mode="elsewhere", reader=False, keeps=True),
    "few numbers": Setup(tray=3, keeps=True, numbers=14, mode="sample", every=4),
}
AFTER_SHOT = frozenset(
    {Phase.RECORDING, Phase.READING, Phase.VERIFYING, Phase.READ_BLOCKED, Phase.SET_ASIDE}
    | {Phase.UNKNOWN, Phase.JUDGING}
)


class Walk:
    """One way through: effects with any fate, people, pedals, swapped parts, restarts."""

    def __init__(self, setup: Setup, seed: int) -> None:
        self.random = Random(seed)
        self.metal = Metal(setup)
        self.trouble = 0.1

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def go(self, steps: int) -> None:
        for _ in range(steps):
            if self.chance(0.02):
                self.trouble = self.random.choice((0, 0.05, 0.2, 0.6))
            self.disturb()
            if self.metal.effect is not None:
                fate = self.random.choice(list(Fate)) if self.chance(self.trouble) else Fate.DONE
                self.metal.carry_out(fate, late=self.chance(0.15), lie=self.chance(0.3))
            else:
                self.people()
            self.check()

    # -- physics

    def disturb(self) -> None:
        metal = self.metal
        if metal.shot is not None and self.chance(0.3):
            metal.pedal()
        if self.chance(0.02):
            metal.start(disarm_first=self.chance(0.7))
        if self.chance(0.05):
            metal.legible = self.chance(0.7)
            metal.busy = self.random.choice((0, 2))
            whole = metal.setup.tray + 1
            metal.stops_after = self.random.randrange(whole) if self.chance(0.5) else None
        if isinstance(metal.effect, m.Look) and metal.effect.waiting and self.chance(0.5):
            metal.change_part()
        if self.chance(0.04):
            self.swap()

    def swap(self) -> None:
        """Marked parts are taken away too early, or change places; others lie there."""
        metal = self.metal
        after = metal.cycle.phase in AFTER_SHOT and metal.cycle.open is not None
        position = self.random.randint(1, metal.setup.tray)
        if metal.table[position].content is None or self.is_again():
            return
        gone = [part for part in metal.parts if part.content and part not in metal.table.values()]
        if after and metal.setup.tray > 1 and self.chance(0.4):
            other = self.random.randint(1, metal.setup.tray)
            if other != position:
                metal.exchange(position, other)
        elif after and gone and self.chance(0.3):
            metal.lay(position, self.random.choice(gone))
        elif after and self.chance(0.5):
            metal.lay(position, Part(f"FOREIGN {len(metal.parts)}", self.chance(0.7)))
        else:
            metal.lay(position, Part())

    def is_again(self) -> bool:
        """A part that is to be marked once more: whoever swaps it for a blank one doubles it."""
        job = self.metal.cycle.job
        return job is not None and bool(job.own) and self.metal.cycle.phase not in AFTER_SHOT

    # -- people

    def people(self) -> None:
        metal = self.metal
        choices: dict[Phase, list[Callable[[], None]]] = {
            Phase.IDLE: [self.begin, self.begin, self.begin, self.idle],
            Phase.JUDGING: [metal.judge, self.settle_one],
            Phase.SET_ASIDE: [metal.put_aside, self.settle_one, self.read_again, self.type_in],
            Phase.READ_BLOCKED: [metal.decide, self.settle_one, self.read_again, self.type_in],
            Phase.UNKNOWN: [metal.decide, self.settle_one, self.leave_open, self.read_again],
        }
        self.random.choice(choices[metal.cycle.phase])()

    def begin(self) -> None:
        """An operator may forget to change a part; of an illegible one that was read the screen
        told, of any other the operator's own eye."""
        metal = self.metal
        if self.chance(0.1):
            metal.order = self.random.choice(("o1", "o2"))
        unseen = any(
            part.content
            and not part.legible
            and not (metal.setup.mode == "each" and part.content.startswith("[)>"))
            for part in metal.table.values()
        )
        if unseen or self.chance(0.8):
            metal.change_part()
        if not metal.begin(trial=self.chance(0.1)):
            metal.order = "o2"

    def idle(self) -> None:
        """Earlier parts are read back, or two people decide on one."""
        metal = self.metal
        awaiting = list(metal.ledger.awaiting.items())
        if awaiting and self.chance(0.5):
            content, at = self.random.choice(awaiting)
            kind = self.random.choice(("remark", "scrapped", "voided", "accepted"))
            if kind != "accepted" or metal.carrying(content):
                metal.settle(at, kind if metal.setup.reader else "scrapped")
                metal.change_part()
            return
        part = self.random.choice([Part(), *(part for part in metal.parts if part.legible)])
        if self.chance(0.3) and part.content:
            metal.tell(m.CheckPart(part.content))
        elif metal.setup.reader:
            metal.change_part(part)
            metal.tell(m.CheckPart())

    def settle_one(self) -> None:
        """Two people take the positions one by one, and may allow some to be marked again."""
        metal = self.metal
        opened = metal.cycle.open
        assert opened is not None
        position = self.random.choice(sorted(opened.due))
        mark = next(mark for mark in opened.marks if mark.position == position)
        if not metal.setup.reader or not self.chance(0.5):
            metal.decide(None, [position])
            return
        # Who lets an unknown part be marked again holds it in the hand.
        found = metal.carrying(mark.content)
        metal.lay(position, found[0] if found else Part())
        metal.decide("remark", [position])

    def leave_open(self) -> None:
        if records.STATION in self.metal.ledger.unknown:
            self.metal.leave_open()

    def type_in(self) -> None:
        opened = self.metal.cycle.open
        assert opened is not None
        known = sorted(opened.due - opened.unknown)
        if known:
            position = self.random.choice(known)
            mark = next(mark for mark in opened.marks if mark.position == position)
            on_metal = self.metal.carrying(mark.content)
            self.metal.type_in(position, mark.content if on_metal else "WRONG")
        else:
            with pytest.raises(Unexpected):
                self.metal.type_in(1, "X")

    def read_again(self) -> None:
        opened = self.metal.cycle.open
        assert opened is not None
        if opened.blind:
            with pytest.raises(Unexpected):
                self.metal.tell(m.ReadAgain())
            return
        if self.chance(0.3):
            self.metal.part.legible = True
        self.metal.tell(m.ReadAgain())

    # -- what holds at every moment

    def check(self) -> None:
        contents = [part.content for part in self.metal.parts if part.content]
        assert len(contents) == len(set(contents))
        opened = self.metal.cycle.open
        if opened is None:
            return
        newest = max(r.seq for r in self.metal.journal if r.type == "intent")
        assert opened.seq == newest
        station = self.metal.ledger.station(records.STATION)
        kept = station.open or station.aside
        if opened.outcome is not None and self.metal.effect is None:
            assert kept is not None
            assert (kept.due, kept.unknown) == (opened.due, opened.unknown)

    def rest(self) -> None:
        """Without faults it comes to rest, and the next parts are marked."""
        metal = self.metal
        metal.calm_down()
        metal.audit()
        metal.change_part()
        metal.legible, metal.busy, metal.stops_after = True, 0, None
        metal.seen.clear()
        again = metal.ledger.station(records.STATION).again
        if again is not None:
            for mark in again.marks:
                metal.settle((again.seq, mark.position), "scrapped")
        metal.order = "o2"
        assert metal.begin()
        while metal.effect is not None:
            if isinstance(metal.effect, m.AwaitOutcome):
                metal.pedal()
            metal.carry_out()
        metal.calm_down()
        assert metal.cycle.note == m.Note("good")
        metal.audit()


@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS.keys())
@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens(setup: Setup, seed: int) -> None:
    walk = Walk(setup, seed)
    walk.go(200)
    walk.rest()

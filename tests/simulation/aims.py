"""Every seed aims at one cell of the table faults × states, by its number: chance alone would leave
the rare ones empty for long.

The aim decides what the scene must have, and is tried again whenever its state comes, until the
fault has landed there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.moves import Phase
from tests.simulation.cells import AT_MARKER, AT_READER, UNREACHABLE
from tests.simulation.coverage import Cell
from tests.simulation.faults import FAULTS, LEAD, Strike

MARKED = frozenset(
    {Phase.RECORDING, Phase.DISARMING, Phase.READING, Phase.READ_BLOCKED, Phase.UNKNOWN}
)
"""The metal is marked, and not everything was read yet."""
AT_ANY_STATION = frozenset(
    {Phase.IDLE, Phase.PREPARING, Phase.COMMITTING, Phase.ARMING, Phase.RECORDING, Phase.DISARMING}
)
"""These come wherever something is marked."""
TRIES = 12
"""So often a seed tries to bring about what it aims at."""
FROM_OUTSIDE = ("message-", "forged-", "worker-", "crash-before-", "crash-after-", "crash-in-")
"""These land with something that the station itself does not do: its state has to last."""
RARE = frozenset(LEAD) | {Phase.RECORDING, Phase.VERIFYING, Phase.CHECKING, Phase.JUDGING}
"""States that do not come, or do not last, on a good day."""
OF_A_COPY = ("restore", "old-journal", "old-guard")
"""These need something that was copied before."""
PICKY = ("pedal", "old-end-report")
"""These need a station of one kind."""
LONGEST_S = 60.0
"""How long a seed that aims at a rare state has for it."""


def _cells() -> Iterator[Cell]:
    """All that can be reached; those that need luck come more often."""
    for fault in FAULTS:
        for phase in Phase:
            if phase not in UNREACHABLE.get(fault, {}):
                is_hard = phase in RARE and fault.startswith((*FROM_OUTSIDE, *OF_A_COPY, *PICKY))
                yield from [(fault, phase)] * (3 if is_hard else 1)


CELLS: tuple[Cell, ...] = tuple(_cells())


@dataclass(frozen=True)
class Wish:
    """What a scene must have so that the cell can be reached."""

    scenes: frozenset[str] = frozenset()
    """One of these; any where empty."""
    two: bool = False
    """A second station that marks, on the same gateway."""
    by_input: bool | None = None
    readers: bool = False
    cell: bool = False
    """Markers that keep their result."""


@dataclass(eq=False)
class Aim:
    """One cell, and how often it was tried."""

    fault: str
    phase: Phase
    tries: int = 0
    leads: int = 0

    @property
    def cell(self) -> Cell:
        return self.fault, self.phase

    @property
    def wish(self) -> Wish:
        return Wish(
            scenes=_scenes(self.fault, self.phase),
            two=self.fault.startswith("crash-"),
            by_input=self._input(),
            readers=_reads(self.fault),
            cell=self.fault == "old-end-report",
        )

    @property
    def patient(self) -> bool:
        return self.phase in RARE or self.fault in OF_A_COPY

    def _input(self) -> bool | None:
        if self.fault == "pedal":
            return True
        return False if self.phase is Phase.FIRING else None

    def lead(self, phase: Phase) -> tuple[str, ...]:
        """What is to be done when a station comes into `phase`, on the way to the aim."""
        if self.leads >= TRIES:
            return ()
        if self.phase in LEAD:
            name, at = LEAD[self.phase][self.leads % len(LEAD[self.phase])]
            names = (name,) if at is phase else ()
        elif self.fault.startswith(FROM_OUTSIDE) and self.phase is not _OWN.get(self.fault):
            before = {Phase.RECORDING: Phase.ARMING, Phase.VERIFYING: Phase.READING}
            names = ("cannot-journal",) if before.get(self.phase) is phase else ()
        else:
            names = ()
        self.leads += bool(names)
        return names

    @property
    def awaits_another(self) -> bool:
        """The guard is written for another station, while this one's record finds no room."""
        return self.fault in _OWN and self.phase in (Phase.RECORDING, Phase.VERIFYING)

    def stretch(self, strike: Strike) -> None:
        """Let the state last until what comes from without has come."""
        if not self.fault.startswith(FROM_OUTSIDE):
            return
        if self.phase in AT_MARKER:
            strike.bench.device.wire.due.insert(0, "slow")
        elif self.phase in AT_READER:
            for eye in strike.bench.eyes:
                eye.wire.due.insert(0, "slow")


_OWN = {
    "crash-in-guard": Phase.GUARDING,
    "crash-after-guard": Phase.GUARDING,
}


def aim_of(seed: int) -> Aim:
    return Aim(*CELLS[seed % len(CELLS)])


def _scenes(fault: str, phase: Phase) -> frozenset[str]:
    """Scenes by the names of `scenery`."""
    if phase is Phase.JUDGING:
        return frozenset({"eye"})
    if phase is Phase.CHECKING:
        # A reading post has no pedal: there somebody is curious only now and then.
        return frozenset({"each"}) if fault == "pedal" else frozenset({"elsewhere"})
    if fault == "swap-old" and phase in MARKED:
        return frozenset({"trays"})  # where two parts can be exchanged before they are read
    needs = {Phase.VERIFYING, Phase.READ_BLOCKED, Phase.SET_ASIDE, Phase.UNKNOWN}
    if fault == "restore":  # what one gateway tells again is heard before what another does
        return frozenset({"elsewhere"} if phase in AT_ANY_STATION else {"shared", "weapons"})
    if phase in AT_READER | needs or _reads(fault):
        return frozenset({"each", "shared", "weapons", "trays", "mixed"})
    return frozenset()


def _reads(fault: str) -> bool:
    return fault.startswith("reader-") or fault in ("blind", "stale")

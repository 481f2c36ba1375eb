"""The physics of a station: pieces of metal at their places, a marker, readers that may be late.

It knows nothing of records or of the cycle. What is engraved is the only truth.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from drivers.protocols import Activity, Did, MarkerStatus, Outcome
from gateway.moves import Seen

TRIAL = 0
"""The shot that carries no number; every other shot is known by its intent."""


@dataclass(eq=False)
class Part:
    """One piece of metal."""

    content: str | None = None
    legible: bool = True


@dataclass(frozen=True)
class Setup:
    """What the station has, and how its order is marked there."""

    by_input: bool = False
    reader: bool = True
    keeps: bool = False
    """The marker keeps its last result, place by place, as a cell on Modbus does."""
    tray: int = 1
    mode: Literal["each", "sample", "elsewhere", "eye"] = "each"
    every: int = 1
    pieces: tuple[str, ...] = ()
    """What carries one number; empty: one piece."""
    numbers: int = 10_000
    waits: bool = False


@dataclass
class Bench:
    """Parts on the table, by position from 1, and the devices above them."""

    setup: Setup
    parts: list[Part] = field(default_factory=list)
    table: dict[int, Part] = field(default_factory=dict)
    shot: int | None = None
    """What is armed: an intent, or TRIAL."""
    loaded: dict[int, str] = field(default_factory=dict)
    again: bool = False
    """Two people allowed what is loaded to be marked over itself."""
    loaded_sequence: int = 0
    last_sequence: int = 0
    last: dict[int, Did] = field(default_factory=dict)
    fired: bool = False
    """Since the last arming."""
    engraved: set[tuple[int, int]] = field(default_factory=set)
    """Shot and position of all that ever was."""
    stops_after: int | None = None
    """The next shot ends after so many places."""
    busy: int = 0
    """So many more inspections find it marking."""
    legible: bool = True
    """Whether the next engraving can be read."""
    seen: dict[int, tuple[Seen, ...]] = field(default_factory=dict)
    """What each reader saw in its last session, which one that is late delivers once more."""
    ever_seen: set[Seen] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.change_part()

    @property
    def part(self) -> Part:
        return self.table[1]

    # -- parts

    def lay(self, position: int, part: Part) -> None:
        """A part comes to a place; what lay there is taken away."""
        self.table[position] = part
        if part not in self.parts:
            self.parts.append(part)

    def change_part(self, part: Part | None = None) -> None:
        """Other parts come to every place, fresh and blank; at the first, the one given."""
        for position in range(1, self.setup.tray + 1):
            self.lay(position, part if part is not None and position == 1 else Part())

    def take_away(self, position: int, content: str) -> None:
        """The part at that place, and the one with that content, wherever it lies."""
        for at, part in list(self.table.items()):
            if at == position or part.content == content:
                self.lay(at, Part())

    def exchange(self, one: int, other: int) -> None:
        """Two parts change places."""
        first, second = self.table[one], self.table[other]
        self.lay(one, second)
        self.lay(other, first)

    def carrying(self, content: str) -> list[Part]:
        return [part for part in self.parts if part.content == content]

    # -- the marker

    def arm(
        self, shot: int, texts: Mapping[int, str], sequence: int | None, *, again: bool = False
    ) -> None:
        self.shot, self.loaded, self.again, self.fired = shot, dict(texts), again, False
        self.loaded_sequence = sequence or 0

    def shoot(self) -> None:
        """Whoever triggers: what is armed is engraved, once, as far as it comes."""
        if self.shot is None:
            return
        shot, self.shot, self.fired = self.shot, None, True
        for count, (position, content) in enumerate(self.loaded.items()):
            if self.stops_after is not None and count >= self.stops_after:
                break
            self._engrave(self.table[position], content)
            self.engraved.add((shot, position))
        self.last_sequence = self.loaded_sequence
        self.last = {
            at: Did.DONE if (shot, at) in self.engraved else Did.NOT_STARTED for at in self.loaded
        }

    def _engrave(self, part: Part, content: str) -> None:
        own = self.again and part.content == content
        assert part.content is None or own, f"{part.content} is marked over with {content}"
        assert all(each is part for each in self.carrying(content)), f"{content} on two parts"
        part.content, part.legible = content, self.legible

    def pedal(self) -> None:
        if self.setup.by_input:
            self.shoot()

    def end_report(self) -> Outcome:
        if not self.fired:
            return Outcome(Did.NOT_STARTED, "no trigger")
        return self.kept()

    def kept(self) -> Outcome:
        """What became of the last shot, as far as the device can tell."""
        words = set(self.last.values())
        if len(words) == 1 and (Did.DONE in words or self.setup.keeps):
            return Outcome(words.pop())
        return Outcome(
            Did.UNKNOWN, "stopped", None, tuple(self.last.items()) if self.setup.keeps else ()
        )

    def disarm(self, sequence: int | None) -> Outcome | None:
        """What the device then proves of the shot with that command number."""
        was_armed, self.shot = self.shot is not None, None
        if self.setup.keeps and sequence is not None:
            if sequence == self.last_sequence:
                return self.kept()
            return Outcome(Did.NOT_STARTED, "its last number is another")
        if was_armed:
            return Outcome(Did.NOT_STARTED, "disarmed with its text still loaded")
        return None

    def status(self) -> MarkerStatus:
        if self.busy:
            self.busy -= 1
            return MarkerStatus(Activity.MARKING)
        activity = Activity.ARMED if self.shot is not None else Activity.READY
        if not self.setup.keeps:
            return MarkerStatus(activity)
        return MarkerStatus(activity, "", self.last_sequence, self.kept() if self.last else None)

    # -- the readers

    def session(
        self, positions: Iterable[int] | None = None, *, late: bool = False
    ) -> tuple[Seen, ...]:
        """What is legible at these places, or at all of them; `late`: and what was before."""
        found: list[Seen] = []
        for at, part in sorted(self.table.items()):
            if positions is not None and at not in positions:
                continue
            before = self.seen.get(at, ()) if late else ()
            here = (Seen(at, part.content),) if part.content and part.legible else ()
            self.seen[at] = here or self.seen.get(at, ())
            found += dict.fromkeys((*here, *before))
        self.ever_seen |= {each for last in self.seen.values() for each in last}
        return tuple(found)

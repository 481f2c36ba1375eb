"""Physical truth: parts, what is engraved on them, and what lies where."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple


class MarkRef(NamedTuple):
    """The mark that an engraving came from: what the gateway had announced."""

    gateway: str
    epoch: int
    seq: int
    position: int


@dataclass(frozen=True)
class Engraving:
    """One content on one part. `legible`: a reader that works can read it."""

    content: str
    legible: bool
    at: float
    device: str
    mark: MarkRef | None
    """None for a trial, and for marks of other makers."""
    component: str


@dataclass(eq=False)
class Part:
    """One piece of metal, or one carton; `kind` is the component that it is."""

    number: int
    kind: str
    engravings: list[Engraving] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"

    @property
    def blank(self) -> bool:
        return not self.engravings

    def carries(self, content: str, component: str) -> bool:
        """Legibly, that is, and as that piece."""
        return any(
            e.content == content and e.component == component and e.legible for e in self.engravings
        )


class Metal:
    """Every part there ever was."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.by_content: dict[str, list[Part]] = {}
        self.air: list[Engraving] = []
        """Shots that met no part."""
        self.on_engraved: Callable[[Part, Engraving], None] = lambda _part, _engraving: None

    def blank(self, kind: str) -> Part:
        part = Part(len(self.parts) + 1, kind)
        self.parts.append(part)
        return part

    def engrave(self, part: Part | None, engraving: Engraving) -> None:
        if part is None:
            self.air.append(engraving)
            return
        part.engravings.append(engraving)
        carriers = self.by_content.setdefault(engraving.content, [])
        if part not in carriers:
            carriers.append(part)
        self.on_engraved(part, engraving)

    def carriers(self, content: str) -> list[Part]:
        """The parts with that content on them, legible or not."""
        return self.by_content.get(content, [])

    def engraved(self, content: str, component: str) -> bool:
        """Whether some part carries the content as that component, legibly or not."""
        return any(
            e.content == content and e.component == component
            for part in self.carriers(content)
            for e in part.engravings
        )

    def legible(self, content: str, component: str) -> list[Part]:
        """The parts that carry the content legibly as that component."""
        return [
            part
            for part in self.carriers(content)
            if any(
                e.content == content and e.legible and e.component == component
                for e in part.engravings
            )
        ]


class Place:
    """Where a station's parts lie: position 1 to n, each with a part or nothing."""

    def __init__(self, name: str, positions: int, clock: Callable[[], float]) -> None:
        self.name = name
        self._clock = clock
        self._lying: list[Part | None] = [None] * positions
        self._since = [0.0] * positions

    @property
    def positions(self) -> int:
        return len(self._lying)

    def at(self, position: int) -> Part | None:
        return self._lying[position - 1] if 1 <= position <= len(self._lying) else None

    def since(self, position: int) -> float:
        """When what lies there was laid there."""
        return self._since[position - 1]

    def lay(self, position: int, part: Part | None) -> Part | None:
        """Another part lies there now, or nothing; returns the one that lay there before."""
        former, self._lying[position - 1] = self._lying[position - 1], part
        self._since[position - 1] = self._clock()
        return former

    def contents(self, position: int) -> list[str]:
        """What a reader that works sees there."""
        part = self.at(position)
        seen = [] if part is None else [e.content for e in part.engravings if e.legible]
        return list(dict.fromkeys(seen))

"""What a simulated device is to do wrong, and how often it did."""

from collections import Counter
from collections.abc import Collection


class Cover:
    """Hides whole pieces from a reader, however often it looks."""

    def __init__(self) -> None:
        self.pending = 0
        """How many of the next pieces it hides."""
        self.hidden = 0
        self._piece: int | None = None
        self._on = False

    def hides(self, piece: int | None) -> bool:
        """Asked at each look: whether that piece cannot be seen."""
        if piece is not None and piece != self._piece:
            self._piece, self._on = piece, self.pending > 0
            self.pending -= self._on
            self.hidden += self._on
        return self._on and piece is not None


class Misdeeds:
    """Planned by the back door's `fault`, taken by the device when it comes to it."""

    def __init__(self, names: Collection[str]) -> None:
        self.done: Counter[str] = Counter()
        self._names = names
        self._planned: Counter[tuple[str, int]] = Counter()

    def plan(self, name: str, count: int, position: int = 0) -> None:
        """Do wrong `count` times; position 0 is whichever comes first. Raises ValueError."""
        if name not in self._names:
            raise ValueError(f"no fault {name!r}; there are {', '.join(self._names)}")
        self._planned[name, position] += count

    def take(self, name: str, position: int = 0) -> bool:
        """Whether to do wrong now; one that is meant for a position waits for that."""
        for key in ((name, position), (name, 0)):
            if self._planned[key]:
                self._planned[key] -= 1
                self.done[name] += 1
                return True
        return False

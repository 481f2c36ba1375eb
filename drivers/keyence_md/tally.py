"""A counter of the marker that keeps what became of a shot, through a restart of the gateway.

It goes on by one with each mark (U). The driver sets it when it arms to 100 times the shot's
number, and adds 50 before the shot may be started. So 4200 is shot 42, which was not to be started
yet; 4250 is the same shot, of which nothing was counted since; 4251 was marked once, 4252 twice.
"""

from dataclasses import dataclass

from drivers.errors import UnexpectedReply
from drivers.keyence_md import codec
from drivers.keyence_md.codec import GetCounter, SetCounter
from drivers.keyence_md.conversation import Conversation
from drivers.protocols import Did

_SHOT, _FIRED = 100, 50
HIGHEST_SEQUENCE = 65535


@dataclass(frozen=True)
class Tally:
    """What the counter holds. `sequence` 0 is a shot without a number."""

    sequence: int
    fired: bool = False
    """It was to be started."""
    marks: int = 0

    @property
    def value(self) -> int:
        return self.sequence * _SHOT + self.fired * _FIRED + self.marks

    @property
    def proves(self) -> Did | None:
        """A shot that was to be started and is not counted may still lie half marked."""
        if self.marks == 1:
            return Did.DONE
        return Did.NOT_STARTED if self.marks == 0 and not self.fired else None


def tally_of(value: int) -> Tally | None:
    """None for a value that was not set here."""
    sequence, rest = divmod(value, _SHOT)
    if sequence > HIGHEST_SEQUENCE:
        return None
    fired, marks = divmod(rest, _FIRED)
    return Tally(sequence, bool(fired), marks)


class TallyCounter:
    """One counter, read and set over the marker's conversation."""

    def __init__(self, marker: Conversation, counter: str, name: str) -> None:
        self._marker = marker
        self._counter = counter
        self._name = name

    async def read(self, job: int, operation: str) -> Tally | None:
        """Raises LinkError, ProtocolError."""
        question = GetCounter(job, self._counter)
        return tally_of(await self._marker.twice(question, codec.parse_counter, operation))

    async def write(self, job: int, tally: Tally, operation: str) -> None:
        """Raises DeviceRefused, LinkError, ProtocolError."""
        await self._marker.tell(SetCounter(job, self._counter, tally.value), operation)
        if await self.read(job, operation) != tally:
            detail = f"counter {self._counter} does not hold what was set"
            raise UnexpectedReply(self._name, operation, detail)

"""Sample groups: parts of one station and order, of which one is read for all.

open ──► closed ──► good        the newest member of a closed group is its sample
  │         └─────► failed      read bad, or settled by people: the others wait for their own read
  └───────────────► good, failed   by an early read of the newest member
"""

from dataclasses import dataclass, replace
from typing import Literal

from gateway.contract.record import Readback

GroupState = Literal["open", "closed", "good", "failed"]


@dataclass(frozen=True)
class Group:
    """Parts marked under `verify: sample`, in the journal's order and by position.

    `id` is its first member as text, gateway/epoch/seq/position; `seq` and `position` name its
    newest one, which is of the same stream.
    """

    id: str
    gateway: str
    epoch: int
    station: str
    order: str
    size: int
    seq: int
    position: int
    state: GroupState = "open"

    def sample(self) -> tuple[str, int, int, int]:
        """The newest member, as a mark's key."""
        return (self.gateway, self.epoch, self.seq, self.position)


def joined(group: Group, seq: int, position: int, readback: Readback) -> Group:
    """With one more member, whose own `readback` says whether it is the last."""
    size = group.size + 1
    full = readback.last or size >= readback.every
    return replace(group, size=size, seq=seq, position=position, state="closed" if full else "open")

"""Which batches are new, although identity columns are committed out of order.

Workers take ids 7 and 8 and may commit 8 first. A reader that remembers "seen up to 8" would never
see 7. `Horizon` keeps the highest id below which nothing can still appear: whatever transaction
was under way when a gap was first seen must have ended before the gap counts as one for ever.
Transaction ids are compared as PostgreSQL's `pg_current_snapshot` gives them.
"""

from collections.abc import Iterable


class Horizon:
    """`low` is the cursor that a reader may resume from: all that can be at or below it was read.

    A transaction has its id before it takes a batch's: `receive` locks the stream's row first.
    """

    def __init__(self, low: int) -> None:
        self.low = low
        self._seen: set[int] = set()
        self._fences: list[tuple[int, int]] = []

    @property
    def seen(self) -> list[int]:
        """Ids above `low` that were read already; a query leaves them out."""
        return sorted(self._seen)

    def advance(
        self, ids: Iterable[int], xmin: int, xmax: int, *, complete: bool = True
    ) -> list[int]:
        """Take in the ids above `low` that one snapshot shows; returns those that are new.

        Every transaction before `xmin` has ended in that snapshot, and none from `xmax` on had
        begun. Not `complete`: the smallest unseen ids only, since there were too many.
        """
        new = sorted(id_ for id_ in ids if id_ > self.low and id_ not in self._seen)
        self._seen.update(new)
        for fence, upto in self._fences:
            if fence <= xmin and (complete or (new and upto <= new[-1])):
                self.low = max(self.low, upto)
        while self.low + 1 in self._seen:
            self.low += 1
        self._seen = {id_ for id_ in self._seen if id_ > self.low}
        self._fences = [fence for fence in self._fences if fence[1] > self.low]
        if self._seen and (not self._fences or self._fences[-1][1] < max(self._seen)):
            self._fences.append((xmax, max(self._seen)))
        return new

"""No batch is left out and none told twice, in whatever order transactions take ids and commit."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from central.queries.horizon import Horizon
from tests.support.examples import examples


@dataclass
class Transaction:
    xid: int
    ids: list[int] = field(default_factory=list)


@dataclass
class Server:
    """What PostgreSQL promises: ids and transactions are numbered as they are asked for."""

    next_xid: int = 1
    next_id: int = 1
    open: list[Transaction] = field(default_factory=list)
    visible: set[int] = field(default_factory=set)

    def begin(self) -> None:
        self.open.append(Transaction(self.next_xid))
        self.next_xid += 1

    def insert(self, which: int) -> None:
        if self.open:
            self.open[which % len(self.open)].ids.append(self.next_id)
            self.next_id += 1

    def end(self, which: int, *, commit: bool) -> None:
        if self.open:
            ended = self.open.pop(which % len(self.open))
            if commit:
                self.visible.update(ended.ids)

    def snapshot(self) -> tuple[int, int]:
        return min((each.xid for each in self.open), default=self.next_xid), self.next_xid


def read(server: Server, horizon: Horizon, limit: int) -> list[int]:
    """As `Live` reads: the smallest ids that were not seen, at most `limit`."""
    seen = set(horizon.seen)
    unseen = sorted(i for i in server.visible if i > horizon.low and i not in seen)[:limit]
    return horizon.advance(unseen, *server.snapshot(), complete=len(unseen) < limit)


STEPS = st.lists(
    st.one_of(
        st.just(("begin", 0)),
        st.tuples(st.sampled_from(["insert", "commit", "abort"]), st.integers(0, 9)),
        st.tuples(st.just("read"), st.integers(1, 4)),
    ),
    max_size=120,
)


@settings(max_examples=examples(2))
@given(STEPS)
def test_each_committed_batch_is_told_once(steps: list[tuple[str, int]]) -> None:
    server, horizon = Server(), Horizon(0)
    told: list[int] = []
    cursors = [0]
    for step, which in steps:
        if step == "begin":
            server.begin()
        elif step == "insert":
            server.insert(which)
        elif step in ("commit", "abort"):
            server.end(which, commit=step == "commit")
        else:
            told += read(server, horizon, which)
            cursors.append(horizon.low)
            # Who resumes from the cursor misses nothing that is or will be there.
            assert {i for i in server.visible if i <= horizon.low} <= set(told)
            assert all(i > horizon.low for each in server.open for i in each.ids)
    while server.open:
        server.end(0, commit=True)
    while new := read(server, horizon, 3):
        told += new
    assert sorted(told) == sorted(server.visible)
    assert cursors == sorted(cursors)


def test_a_gap_that_was_rolled_back_does_not_hold_the_cursor() -> None:
    horizon = Horizon(0)
    assert horizon.advance([1, 3], xmin=10, xmax=12) == [1, 3]
    assert horizon.low == 1
    assert horizon.advance([], xmin=11, xmax=13) == []
    assert horizon.low == 1  # transaction 11 may still commit batch 2
    assert horizon.advance([], xmin=12, xmax=13) == []
    assert horizon.low == 3


def test_a_late_commit_is_told_and_then_the_cursor_moves() -> None:
    horizon = Horizon(6)
    assert horizon.advance([8], xmin=20, xmax=22) == [8]
    assert (horizon.low, horizon.seen) == (6, [8])
    assert horizon.advance([7], xmin=22, xmax=22) == [7]
    assert (horizon.low, horizon.seen) == (8, [])

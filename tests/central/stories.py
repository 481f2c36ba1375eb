"""Journals of two gateways that mark, read and settle each other's parts, sense or not."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from gateway.contract.plan import Due, Plan, Verify, encode_plan
from gateway.contract.record import (
    Corrected,
    FromBlock,
    Mark,
    PositionOutcome,
    Readback,
    RecordRef,
    Repeat,
    Settled,
)
from gateway.contract.signed import SigningKey
from tests.central.scene import GATEWAY, OTHER, plan
from tests.support.peer import Journal

COMPONENTS = ("receiver", "barrel")
NAMES = (GATEWAY, OTHER)
_LINE = st.integers(0, 1)
_WHICH = st.integers(0, 11)
_STATION = st.sampled_from(["station-1", "station-2"])

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("intent"), _LINE, st.integers(1, 3), _STATION, st.booleans()),
        st.tuples(st.just("repeat"), _LINE, _WHICH, st.sampled_from(COMPONENTS)),
        st.tuples(
            st.just("marked"), _WHICH, st.sampled_from(["done", "done", "unknown", "not_started"])
        ),
        st.tuples(
            st.just("verified"),
            _LINE,
            _WHICH,
            st.sampled_from(["good", "good", "unreadable", "mismatch", "below_grade"]),
            st.sampled_from(["device", "device", "keyed", "eye"]),
            _STATION,
        ),
        st.tuples(
            st.just("settled"),
            _LINE,
            _WHICH,
            st.sampled_from(["accepted", "remark", "scrapped", "voided", "read"]),
            st.sampled_from([("p-1",), ("p-1", "p-2")]),
        ),
        st.tuples(st.just("corrected"), _LINE, st.integers(1, 12)),
        st.tuples(st.just("due"), _LINE),
        st.tuples(st.just("garbage"), _LINE),
    ),
    max_size=25,
)
MODES = st.sampled_from(["each", "sample", "elsewhere"])
SENDS = st.lists(st.tuples(_LINE, st.integers(0, 3), st.integers(0, 6), st.booleans()), max_size=25)
"""(gateway, how far back of what is committed, how many more, after a restart)."""


@dataclass
class Story:
    """Two journals and the plans that they accepted, in the order of their versions."""

    mode: Any
    key: SigningKey = field(default_factory=SigningKey.new)
    """Signs plans."""
    lines: list[Journal] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    marks: list[tuple[int, int, Mark]] = field(default_factory=list)
    """(gateway's index, seq, mark), in the order of announcement."""
    _spent: list[int] = field(default_factory=lambda: [0, 0])

    def __post_init__(self) -> None:
        for index, name in enumerate(NAMES):
            journal = Journal(name, 1, bytes(32), SigningKey.new())
            journal.opened()
            self.lines.append(journal)
            self._accept(index, 1)

    @property
    def readback(self) -> Readback:
        return Readback(mode=self.mode, every=3 if self.mode == "sample" else 1)

    def payloads(self) -> list[bytes]:
        """The plans as they are signed."""
        return [encode_plan(each, self.key) for each in self.plans]

    def in_force(self, index: int) -> Plan:
        return next(p for p in reversed(self.plans) if p.gateway == NAMES[index])

    def tell(self, steps: list[Any]) -> None:
        for name, *details in steps:
            getattr(self, f"_{name}")(*details)

    def _accept(self, index: int, version: int, due: tuple[Due, ...] | None = None) -> None:
        verify = Verify(mode=self.mode, every=self.readback.every)
        start = 1 + 100 * index
        one = plan(
            version, NAMES[index], start=start, components=COMPONENTS, verify=verify, due=due
        )
        self.plans.append(one)
        self.lines[index].accept(one)

    def _intent(self, index: int, size: int, station: str, last: bool) -> None:
        """A tray of fresh numbers."""
        journal, marks = self.lines[index], []
        for position in range(1, size + 1):
            self._spent[index] += 1
            readback = self.readback.model_copy(update={"last": last and position == size})
            number = self._spent[index] + 100 * index
            marks.append(
                journal.mark(
                    self.in_force(index), "G-1", number, position=position, readback=readback
                )
            )
        seq = journal.intent(*marks, station=station)
        self.marks += [(index, seq, mark) for mark in marks]

    def _repeat(self, index: int, which: int, component: str) -> None:
        if not self.marks:
            return
        by, seq, mark = self.marks[which % len(self.marks)]
        source = Repeat(of=self.lines[by].ref(seq), position=mark.position)
        number = self._number(mark)
        again = self.lines[index].mark(
            *(self.in_force(index), "G-1", number, component),
            source=source,
            readback=self.readback,
        )
        self.marks.append((index, self.lines[index].intent(again), again))

    def _number(self, mark: Mark) -> int:
        while not isinstance(mark.source, FromBlock):
            of = mark.source.of
            mark = next(
                m
                for by, seq, m in self.marks
                if (NAMES[by], seq, m.position) == (of.gateway, of.seq, mark.source.position)
            )
        return mark.source.number

    def _marked(self, which: int, did: Any) -> None:
        if not self.marks:
            return
        by, seq, _ = self.marks[which % len(self.marks)]
        results = tuple(
            PositionOutcome(position=mark.position, did=did)
            for index, other, mark in self.marks
            if (index, other) == (by, seq)
        )
        self.lines[by].marked(seq, results=results)

    def _verified(self, index: int, which: int, verdict: str, entry: Any, station: str) -> None:
        if not self.marks:
            return
        by, seq, mark = self.marks[which % len(self.marks)]
        content = {"unreadable": None, "mismatch": "x"}.get(verdict, mark.content)
        self.lines[index].verified(
            *(0, verdict),
            of=self.lines[by].ref(seq),
            content=content,
            position=mark.position,
            entry=entry,
            station=station,
        )

    def _settled(self, index: int, which: int, how: Any, people: tuple[str, ...]) -> None:
        if not self.marks:
            return
        by, seq, mark = self.marks[which % len(self.marks)]
        journal = self.lines[index]
        journal.write(
            Settled(
                **journal.common(
                    of=self.lines[by].ref(seq),
                    position=mark.position,
                    how=how,
                    reason="decided",
                    witnesses=people,
                )
            )
        )

    def _corrected(self, index: int, seq: int) -> None:
        journal = self.lines[index]
        of = journal.ref(min(seq, journal.seq))
        journal.write(Corrected(**journal.common(of=of, reason="a mistake")))

    def _due(self, index: int) -> None:
        """The next plan names every barrel of the other gateway's numbers."""
        due = tuple(
            Due(
                do="mark",
                order="G-1",
                number=self._number(mark),
                component="barrel",
                of=RecordRef(gateway=NAMES[by], epoch=1, seq=seq),
                position=mark.position,
            )
            for by, seq, mark in self.marks
            if by != index and isinstance(mark.source, FromBlock)
        )
        self._accept(index, self.in_force(index).version + 1, due or None)

    def _garbage(self, index: int) -> None:
        self.lines[index].write_bytes(b"{}")

    def batches(self, sends: list[Any]) -> list[tuple[str, bytes]]:
        """(gateway, batch) as `sends` says, and then what is left, one gateway after the other."""
        committed = [0, 0]
        found = []
        for index, back, more, restart in [*sends, (0, 0, 10**6, False), (1, 0, 10**6, False)]:
            journal = self.lines[index]
            if restart:
                journal.restart()
            first = max(1, committed[index] + 1 - back)
            last = min(journal.seq, committed[index] + more)
            if first <= last:
                found.append((NAMES[index], journal.batch(first, last)))
                committed[index] = max(committed[index], last)
        return found

"""What is said of marks that were announced: the marker's word, reads, and people's decisions."""

from collections.abc import Iterable
from dataclasses import replace

from central.ingest import life
from central.ingest.facts import MarkKey, RecordKey, Stream, Waiting
from central.ingest.holdings import Holdings
from central.ingest.life import Item, ItemKey, Read
from central.ingest.naming import names_component
from central.ingest.refusal import Refusal
from central.said import said
from gateway.contract.record import Mark, Marked, Settled, Unlatched, Verified

TWO_PEOPLE = ("accepted", "remark", "voided")
"""Decisions that need two names (the operator's own is one of them)."""


class Statements:
    """Judges them one at a time. Those that another stream made too early wait."""

    def __init__(
        self, stream: Stream, holdings: Holdings, waiting: dict[MarkKey, tuple[Waiting, ...]]
    ) -> None:
        self._stream = stream
        self._held = holdings
        self._waiting = waiting
        self.about: dict[tuple[ItemKey, RecordKey], None] = {}
        self.resolved: list[RecordKey] = []
        self.refused_now: dict[RecordKey, Refusal] = {}
        """Late records that are refused for another reason, now that their mark is known."""
        self.waiting: dict[RecordKey, Waiting] = {}
        self.judged: dict[RecordKey, None] = {}

    def marked(self, record: Marked) -> None:
        """The marker's word on an intent of this stream."""
        me = self._me(record.seq)
        results = sorted(record.results, key=lambda result: result.position)
        keys = [MarkKey(*me[:2], record.intent, result.position) for result in results]
        for key in keys:
            self._require(key)
        for key, result in zip(keys, results, strict=True):
            held = self._held.held(key)
            assert held is not None
            self._step(key, me, life.marked(self._row(key), result.did, repeat=not held.fresh))
            if result.did == "done":
                self._join(key)
            self.heard(key)

    def say(self, record: Verified | Settled) -> None:
        """A read or a decision of this stream; raises `Refusal`, also for one that waits."""
        key = _named(record)
        me = self._me(record.seq)
        foreign = key[:2] != me[:2]
        if self._held.row_of(key) is None:
            # A journal that names a record of its own names an earlier one, which we have heard.
            if foreign and not (key.gateway == me.gateway and key.epoch > me.epoch):
                self.waiting[me] = Waiting(me, key, record)
            self._require(key)
        self._judge(me, key, record)
        if foreign and self._is_early(key, record):
            self.waiting[me] = Waiting(me, key, record, heard=True)
            self._waiting[key] = (*self._waiting.get(key, ()), self.waiting[me])
        elif self._row(key).state != "open":
            self._end(self._waiting.pop(key, ()))  # overruled by what was said after them

    def approved(self, record: Unlatched) -> None:
        """A second person's approval of a first piece of this stream; it changes no state."""
        if record.of is None:
            return
        of = record.of
        key, me = MarkKey(of.gateway, of.epoch, of.seq, record.position or 1), self._me(record.seq)
        if key[:2] != me[:2]:
            raise Refusal("out-of-place", said("an approval names a mark of its own journal"))
        self._require(key)
        self.about[self._row(key).key, me] = None
        intent = self._held.intent(key)
        people = {*record.witnesses, record.operator} - {None}
        if not people - {None if intent is None else intent.operator}:
            raise Refusal("witnesses-missing", said("a first piece is approved by a second person"))

    def heard(self, key: MarkKey) -> None:
        """More is known of a mark: what waited for that is judged again, in order of arrival."""
        still: list[Waiting] = []
        for one in self._waiting.pop(key, ()):
            if not one.heard:
                self.resolved.append(one.by)
            try:
                self._judge(one.by, key, one.says)
            except Refusal as refusal:
                self.refused_now[one.by] = refusal
            if one.by not in self.refused_now and self._is_early(key, one.says):
                still.append(replace(one, heard=True))
                continue
            self._end((one,))
            if self._row(key).state != "open":
                self._end(still)
                still = []
        if still:
            self._waiting[key] = tuple(still)
            self.waiting |= {one.by: one for one in still}

    def _end(self, waiting: Iterable[Waiting]) -> None:
        for one in waiting:
            self.waiting.pop(one.by, None)
            self.judged[one.by] = None

    def withdrawn(self, of: RecordKey) -> None:
        """A correction takes back a record: it waits no longer."""
        self.waiting.pop(of, None)
        self.judged[of] = None
        for key, waiting in self._waiting.items():
            self._waiting[key] = tuple(one for one in waiting if one.by != of)

    def _is_early(self, key: MarkKey, record: Verified | Settled) -> bool:
        """A read that said nothing yet, since nothing is known of what became of the mark."""
        return isinstance(record, Verified) and self._row(key).state == "open"

    # --- one statement -----------------------------------------------------------------------

    def _judge(self, by: RecordKey, key: MarkKey, record: Verified | Settled) -> None:
        if isinstance(record, Verified):
            self._verified(by, key, record)
        else:
            self._settled(by, key, record)

    def _verified(self, by: RecordKey, key: MarkKey, record: Verified) -> None:
        row, mark = self._row(key), self._held.mark(key)
        if record.verdict == "good" and not _reads_as(record, mark):
            self.about[row.key, by] = None
            raise Refusal(
                "wrong-content", said("called good, and it is not what the mark announced")
            )
        single = len(self._held.required(row)) <= 1
        own = key[:2] == by[:2]
        intent = self._held.intent(key)
        read = Read(
            record.verdict,
            record.entry,
            names_component=single or (mark is not None and names_component(mark.content)),
            here=key.gateway == by.gateway
            and intent is not None
            and intent.station == record.station,
            own=own,
        )
        self._step(key, by, life.verified(row, read))
        if record.entry == "device":
            self._held.read(key, good=record.verdict == "good", own=own)

    def _settled(self, by: RecordKey, key: MarkKey, record: Settled) -> None:
        row = self._row(key)
        people = {*record.witnesses, *([record.operator] if record.operator else [])}
        if record.how in TWO_PEOPLE and len(people) < 2:
            self.about[row.key, by] = None
            raise Refusal("witnesses-missing", said("{how} needs two names", how=record.how))
        self._step(key, by, life.settled(row, record.how))
        if record.how != "read":
            self._held.decided(key)

    def _join(self, key: MarkKey) -> None:
        row, intent, mark = self._row(key), self._held.intent(key), self._held.mark(key)
        if row.readback != "sample" or row.sample is not None or intent is None or mark is None:
            return
        if mark.readback is not None and mark.readback.mode == "sample":
            self._held.join(key, row, intent.station or "", mark.readback)

    def _step(self, key: MarkKey, by: RecordKey, after: Item) -> None:
        self.about[after.key, by] = None
        self._held.put(after)

    def _row(self, key: MarkKey) -> Item:
        row = self._held.row_of(key)
        assert row is not None
        return row

    def _require(self, key: MarkKey) -> None:
        if self._held.row_of(key) is None:
            raise Refusal(
                "out-of-place",
                said(
                    "no mark is known at {gateway} epoch {epoch} record {seq} position {position}",
                    gateway=key.gateway,
                    epoch=key.epoch,
                    seq=key.seq,
                    position=key.position,
                ),
            )

    def _me(self, seq: int) -> RecordKey:
        return RecordKey(self._stream.gateway, self._stream.epoch, seq)


def _named(record: Verified | Settled) -> MarkKey:
    return MarkKey(record.of.gateway, record.of.epoch, record.of.seq, record.position)


def _reads_as(record: Verified, mark: Mark | None) -> bool:
    """An eye needs no content; whatever content there is has to be the mark's."""
    if mark is None:
        return False
    if record.content is None:
        return record.entry == "eye"
    return record.content == mark.content

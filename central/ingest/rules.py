"""What becomes of a batch as a whole: pure functions, in the order in which they are asked.

`examine` takes the bytes apart, `admit` asks who signed and where they belong, `needs` says what
the register has to look up, `judge` applies the law to the new records. SQL carries it out.
"""

from collections.abc import Iterable, Mapping, Sequence

from central.ingest.facts import (
    Brought,
    Dropped,
    Evidence,
    Held,
    Key,
    Known,
    MarkKey,
    Needs,
    PlanKey,
    PlanKeys,
    Received,
    RecordKey,
    Stream,
    StreamState,
    Suffix,
    Unjudged,
    Writes,
)
from central.ingest.law import Court
from central.ingest.life import Item
from central.ingest.naming import named_item, read_on_parts
from central.said import said
from gateway.contract.batch import BatchHeader, body_of, decode_batch
from gateway.contract.errors import ChainBroken, ContractError, SignatureInvalid
from gateway.contract.plan import decode_plan
from gateway.contract.record import (
    Accepted,
    FromBlock,
    Intent,
    KeyChanged,
    Marked,
    Observed,
    Record,
    Settled,
    Unlatched,
    Verified,
    decode_record,
)
from gateway.contract.record import Item as RecordItem
from gateway.contract.signed import key_id
from gateway.contract.topics import Boot


def examine(gateway: str, payload: bytes) -> Received | Evidence:
    """Take apart what arrived on a gateway's `records` topic; nothing is looked up yet."""

    def keep(reason: str, detail: str, *, answer: bool = False) -> Evidence:
        return Evidence(gateway, reason, detail, payload, answer)

    try:
        batch = decode_batch(payload)
        boot = Boot.parse(batch.header.boot)
    except ContractError as error:
        return keep("unreadable", str(error))
    if batch.header.gateway != gateway:
        return keep("wrong-topic", said("the header says {gateway}", gateway=batch.header.gateway))
    try:
        chain = batch.check()
    except ChainBroken as error:
        return keep("chain-broken", str(error))
    records, faults = decode_lines(batch.header.first, batch.records)
    return Received(payload, batch, boot, chain, records, faults)


def decode_lines(
    first: int, lines: Sequence[bytes]
) -> tuple[tuple[Record | None, ...], tuple[str, ...]]:
    """Decode a run of records that begins at seq `first`: the records, and the fault of each."""
    records: list[Record | None] = []
    faults: list[str] = []
    for seq, line in enumerate(lines, start=first):
        record, fault = _decode(seq, line)
        records.append(record)
        faults.append(fault)
    return tuple(records), tuple(faults)


def _decode(seq: int, line: bytes) -> tuple[Record | None, str]:
    try:
        record = decode_record(line)
    except ContractError as error:
        return None, str(error)
    if record.seq != seq:
        return None, said("the record says seq {seq}", seq=record.seq)
    return record, ""


def overlap(stream: Stream, received: Received) -> tuple[int, ...]:
    """The sequence numbers whose stored heads `admit` compares; mostly none is looked up."""
    header = received.batch.header
    if header.first > stream.committed or stream.state != "live":
        return ()
    return (header.first - 1, min(header.last, stream.committed))


def admit(
    stream: Stream, received: Received, stored_heads: Mapping[int, bytes | None]
) -> Suffix | Dropped | Evidence:
    """Whether and from where on a batch is new. `stored_heads` holds those of `overlap`."""
    header = received.batch.header

    def keep(reason: str, detail: str, latch: StreamState | None = None) -> Evidence:
        return Evidence(stream.gateway, reason, detail, received.payload, True, latch)

    fault = _signature_fault(stream, received)
    if fault is not None:
        return Evidence(stream.gateway, "bad-signature", fault, received.payload, answer=False)
    if stream.state != "live":
        return keep("latched", said("the stream is {stream}", stream=stream.state))
    if header.first > stream.committed + 1:
        return Dropped("gap")
    agrees = _agrees(stream, received, stored_heads)
    if agrees and header.last <= stream.committed:
        return Dropped("replay")
    if _is_older(received.boot, stream.boot):
        return keep(
            "two-of-me",
            said(
                "boot {boot} brings what the register does not hold, after {newest}",
                boot=received.boot,
                newest=stream.boot,
            ),
            latch="two-of-me",
        )
    if not agrees:
        return keep("forked", said("other records under the same numbers"), latch="forked")
    return Suffix(stream.committed + 1 - header.first)


def _is_older(boot: Boot, seen: Boot | None) -> bool:
    """Older than the newest seen, or the same start of another process."""
    if seen is None:
        return False
    return boot.counter < seen.counter or (
        boot.counter == seen.counter and boot.nonce != seen.nonce
    )


def _agrees(stream: Stream, received: Received, stored_heads: Mapping[int, bytes | None]) -> bool:
    header = received.batch.header
    if header.first == stream.committed + 1:
        return bytes.fromhex(header.prev) == stream.head
    end = min(header.last, stream.committed)
    return (
        bytes.fromhex(header.prev) == stored_heads[header.first - 1]
        and received.chain[end - header.first] == stored_heads[end]
    )


def keys_of(keys: Iterable[Key], header: BatchHeader) -> Mapping[str, bytes]:
    """By their ids, the keys that may sign all that a batch holds."""
    return {
        key.id: key.public
        for key in keys
        if key.from_seq <= header.first and (key.to_seq is None or header.last <= key.to_seq)
    }


def _signature_fault(stream: Stream, received: Received) -> str | None:
    header = received.batch.header
    try:
        received.batch.signed.verify(keys_of(stream.keys, header).get)
    except SignatureInvalid as error:
        return str(error)
    if any(isinstance(record, KeyChanged) for record in received.records[:-1]):
        return said("records follow a key_changed, which ends what its key may sign")
    return None


def accepted(records: Iterable[Record | None]) -> frozenset[PlanKey]:
    """The plans that records accept."""
    return frozenset(
        (record.incarnation, record.version) for record in records if isinstance(record, Accepted)
    )


def is_unheard(header: BatchHeader, records: Iterable[Record | None], incarnation: int) -> bool:
    """Return whether a batch is not to be judged before its sender has heard of a restore.

    Its new records accept a plan of an earlier incarnation, which the restored register may have
    forgotten. Once the sender has heard, it brings that plan. Older senders never do.
    """
    heard = header.incarnation
    if heard is None or heard >= incarnation:
        return False
    return any(issued < incarnation for issued, _ in accepted(records))


def brought(
    header: BatchHeader, records: Iterable[Record | None], keys: PlanKeys
) -> tuple[list[Brought], list[Evidence]]:
    """The plans that a batch brings for its new records, and what it brings without being one.

    The latter is as if it had not come: the records are judged without it.
    """
    found: list[Brought] = []
    forged: list[Evidence] = []
    wanted = accepted(records)
    for text in header.plans or ():
        payload, fault = text.encode(), said("a plan that this register did not sign")
        try:
            plan = decode_plan(payload, keys.get)
        except ContractError:
            plan = None
        if plan is not None and (plan.gateway, plan.epoch) == (header.gateway, header.epoch):
            if plan.which.key() in wanted:
                found.append(Brought(plan, payload))
            continue
        if plan is not None:
            fault = said(
                "a plan for {gateway} epoch {epoch}", gateway=plan.gateway, epoch=plan.epoch
            )
        forged.append(Evidence(header.gateway, "bad-plan", fault, payload, answer=True))
    return found, forged


def needs(stream: Stream, records: Iterable[Record | None]) -> Needs:
    """What to look up before new records of a stream can be judged."""
    if stream.is_device:
        records = ()  # nothing that it may say is about a mark
    plans = set() if stream.plan is None else {stream.plan}
    items: list[RecordItem] = []
    numbers: set[tuple[str, int]] = set()
    orders: set[str] = set()
    said: set[MarkKey] = set()
    repeated: set[MarkKey] = set()
    outcomes: set[MarkKey] = set()
    intents: set[RecordKey] = set()
    sampling = reading = False
    for record in records:
        if isinstance(record, Intent):
            intents.add(RecordKey(stream.gateway, stream.epoch, record.seq))
            for mark in record.marks:
                items += [mark.item, named_item(mark)]
                orders.add(mark.order)
                sampling |= mark.readback is not None and mark.readback.mode == "sample"
                if isinstance(mark.source, FromBlock):
                    numbers.add((mark.source.space, mark.source.number))
                else:
                    of = mark.source.of
                    repeated.add(MarkKey(of.gateway, of.epoch, of.seq, mark.source.position))
        elif isinstance(record, Marked):
            outcomes |= {
                MarkKey(stream.gateway, stream.epoch, record.intent, result.position)
                for result in record.results
            }
        elif isinstance(record, Verified | Settled):
            of = record.of
            said.add(MarkKey(of.gateway, of.epoch, of.seq, record.position))
            reading |= isinstance(record, Settled) or record.entry == "device"
        elif isinstance(record, Unlatched) and record.of is not None:
            of = record.of
            said.add(MarkKey(of.gateway, of.epoch, of.seq, record.position or 1))
        elif isinstance(record, Observed):
            items += [
                RecordItem(uii=found.uii, elements=found.elements)
                for _, found in read_on_parts(record)
            ]
        elif isinstance(record, Accepted):
            plans.add((record.incarnation, record.version))
    told = {RecordKey(*mark[:3]) for mark in outcomes | said}
    return Needs(
        plans=frozenset(plans),
        uiis=frozenset(item.uii for item in items),
        elements=frozenset(item.elements for item in items),
        numbers=frozenset(numbers),
        marks=frozenset(outcomes | said | repeated),
        intents=frozenset(told | {RecordKey(*mark[:3]) for mark in repeated}),
        orders=frozenset(orders),
        repeated=frozenset(repeated),
        awaited=frozenset(intents | told),
        outcomes=frozenset(outcomes),
        sampling=sampling,
        reading=reading,
    )


def repeated_uiis(needs: Needs, marks: Mapping[MarkKey, Held]) -> frozenset[str]:
    """The UIIs of the numbers that are marked once more; all where one's first is not known."""
    found = frozenset(marks[mark].item[0] for mark in needs.repeated & marks.keys())
    return found if needs.repeated <= marks.keys() else found | needs.uiis


def groups_needed(needs: Needs, known: Iterable[Item]) -> frozenset[str] | None:
    """The groups that these records may change besides the stream's open ones; None: not even
    those. `known`: the items that `needs` found."""
    joined = frozenset(item.sample for item in known if item.sample is not None)
    if joined or needs.sampling or any(item.readback == "sample" for item in known):
        return joined
    return None


def may_decide(needs: Needs, marks: Mapping[MarkKey, Item], waiting: bool) -> bool:
    """Whether a group may be decided on, so that all its members have to be known.

    `marks`: the items that known marks claim; `waiting`: something waits for one of them.
    """
    if needs.reading or waiting:
        return True
    # What was read or settled elsewhere before its outcome came is weighed when it closes a group.
    return any(
        mark in needs.outcomes
        and item.readback == "sample"
        and item.state not in ("open", "unknown")
        for mark, item in marks.items()
    )


def hear(
    stream: Stream,
    known: Known,
    first: int,
    records: Sequence[Record | None],
    faults: Sequence[str],
) -> Court:
    """Apply the law to new records, one at a time and in the journal's order."""
    court = Court(stream, known)
    for seq, (record, fault) in enumerate(zip(records, faults, strict=True), start=first):
        if record is None:
            court.unreadable(seq, fault)
        else:
            court.hear(seq, record)
    return court


def set_aside(
    stream: Stream,
    known: Known,
    first: int,
    records: Sequence[Record | None],
    faults: Sequence[str],
    unjudged: Unjudged,
) -> Court:
    """Keep new records that cannot be judged; of `known`, items and orders are looked at."""
    court = Court(stream, Known(items=known.items, orders=known.orders))
    for seq, (record, fault) in enumerate(zip(records, faults, strict=True), start=first):
        if record is None:
            court.unreadable(seq, fault)
        else:
            court.set_aside(seq, record, unjudged.fault, claims=unjudged.claims)
    return court


def judge(
    stream: Stream,
    received: Received,
    suffix: Suffix,
    known: Known,
    unjudged: Unjudged | None = None,
) -> Writes:
    """All that a batch changes; `suffix` says from where on it is new, `unjudged` that it cannot be
    judged."""
    header = received.batch.header
    first = header.first + suffix.start
    new = (received.records[suffix.start :], received.faults[suffix.start :])
    if unjudged is None:
        court = hear(stream, known, first, *new)
    else:
        court = set_aside(stream, known, first, *new, unjudged)
    last = received.records[-1]
    next_key = None
    if isinstance(last, KeyChanged):
        public = bytes.fromhex(last.public)
        next_key = Key(key_id(public), public, header.last + 1, None)
    return Writes(
        **vars(court.conclusions()),
        first=first,
        last=header.last,
        head=received.chain[-1],
        boot=received.boot,
        body=body_of(received.batch.records[suffix.start :]),
        next_key=next_key,
    )

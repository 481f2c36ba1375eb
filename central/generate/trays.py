"""What is journalled of one tray, and the rows that follow from it: pure.

Of a tray on which nothing is amiss, the rows are known beforehand. All others are judged by the
same rules as at ingest, so that whatever befalls a mark is told in the rows as it would be there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from central.generate.cast import Fate
from central.generate.lines import STATION, Pattern, Writer, text_of
from central.generate.rows import Rows, row
from central.generate.schedule import Run
from central.ingest import rules
from central.ingest.facts import Conclusions, Known, PlanKey, Stream
from central.ingest.life import Item
from gateway.contract.plan import Plan

_STRANGE_LOT = "PROVE"
_DID: Mapping[Fate, str] = {
    "voided": "not_started",
    "unknown": "unknown",
    "accepted": "unknown",
}
_ON: frozenset[Fate] = frozenset({"good", "accepted", "strange", "doubled"})
"""Of a part whose next component is marked."""
_SECOND = timedelta(seconds=1)
_APART = timedelta(milliseconds=40)


@dataclass(frozen=True)
class Bench:
    """An order at its gateway, as far as its trays have it in common."""

    run: Run
    stream: int
    plan: Plan

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        run = self.run
        return tuple(Pattern.of(run, each, run.gateway) for each in run.order.components)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(component.name for component in self.run.order.components)

    @cached_property
    def sampled(self) -> bool:
        return self.run.line.verify.mode == "sample"

    @cached_property
    def block(self) -> tuple[str, str]:
        return (self.run.block.id, self.run.block.space)

    @cached_property
    def known(self) -> Known:
        return Known(plans={self.key: self.plan}, orders={self.run.code: self.names})

    @property
    def key(self) -> PlanKey:
        return (self.plan.incarnation, self.plan.version)


@dataclass(frozen=True)
class Place:
    """Where a tray stands in its batch: the batch's id and first record, the tray's first item."""

    batch: int
    first: int
    item: int


@dataclass(frozen=True)
class _Step:
    """A component of a tray: the records that its positions have."""

    intent: int
    verified: tuple[int, ...]


def tray(
    bench: Bench,
    writer: Writer,
    at: datetime,
    start: int,
    fates: Sequence[Fate] | None,
    place: Place,
    rows: Rows,
) -> tuple[list[str], int]:
    """Journal a tray of numbers from `start` on; returns its lines, and how many items it made.

    `fates`: of each position; None: nothing is amiss.
    """
    before = writer.seq
    lines: list[str] = []
    if fates is None:
        steps = [
            _regular(bench, writer, at + 30 * index * _SECOND, start, index, lines)
            for index in range(len(bench.names))
        ]
        _known_rows(bench, start, steps, place, rows)
        _record_rows(lines, before + 1 - place.first, place.batch, rows)
        return lines, bench.run.line.tray * len(steps)
    _odd(bench, writer, at, start, fates, lines)
    return lines, _judged(bench, before + 1, lines, place, rows)


# --- nothing is amiss ---------------------------------------------------------------------------


def _regular(
    bench: Bench, writer: Writer, at: datetime, start: int, index: int, lines: list[str]
) -> _Step:
    pattern, size = bench.patterns[index], bench.run.line.tray
    positions = range(1, size + 1)
    first = writer.seq + 1 - (size + 2) * index
    """The intent that the further ones repeat."""
    lines.append(
        writer.intent(
            at,
            [
                writer.mark(
                    pattern,
                    position,
                    start + position - 1,
                    bench.block,
                    None if pattern.fresh else (first, position),
                )
                for position in positions
            ],
        )
    )
    intent = writer.seq
    lines.append(writer.marked(at + 8 * _SECOND, intent, [(p, "done") for p in positions]))
    read = (size,) if bench.sampled else tuple(positions)
    seen = []
    for turn, position in enumerate(read, start=1):
        when = at + 9 * _SECOND + turn * _APART
        number = start + position - 1
        lines.append(writer.verified(when, intent, position, pattern, number))
        seen.append(writer.seq)
    return _Step(intent, tuple(seen))


def _known_rows(bench: Bench, start: int, steps: Sequence[_Step], place: Place, rows: Rows) -> None:
    code, space = bench.run.code, bench.run.line.space
    prefix, size = bench.run.order.template.serial_prefix, bench.run.line.tray
    mode = bench.run.line.verify.mode
    group = r"\N"
    if bench.sampled:
        group = f"{bench.run.gateway}/1/{steps[0].intent}/1"
        rows.tables["sample_group"].append(
            f"{group}\t{bench.stream}\t{STATION}\t{code}\t{size}\t{steps[0].intent}\t{size}\tgood\n"
        )
    contents = bench.run.line.contents
    quantity = r"\N" if contents is None else str(contents)
    items, claims, about = (rows.tables[name] for name in ("item", "claim", "about"))
    batch, item = place.batch, place.item
    for index, step in enumerate(steps):
        pattern, name = bench.patterns[index], bench.names[index]
        fresh = "t" if pattern.fresh else "f"
        (uii, uii_end), (elements, elements_end) = pattern.uii, pattern.elements
        pos = step.intent - place.first
        for at in range(size):
            number = start + at
            digits = f"{number:0{pattern.digits}d}"
            read = not bench.sampled or at == size - 1
            items.append(
                f"{item}\t{uii}{digits}{uii_end}\t{name}\t{elements}{digits}{elements_end}\tgood"
                f"\tt\tf\tf\tf\t{'read' if read else 'sample'}\t{code}\t{space}\t{number}"
                f"\t{prefix}{digits}\t{batch}\t{mode}\t{group}\n"
            )
            claims.append(
                f"{bench.stream}\t{step.intent}\t{at + 1}\t{item}\t{batch}\t{pos}\t{code}"
                f"\t{space}\t{number}\t{fresh}\t{quantity}\t{STATION}\n"
            )
            about.append(f"{item}\t{batch}\t{pos + 1}\n")
            if read:
                seen = step.verified[-1 if bench.sampled else at]
                about.append(f"{item}\t{batch}\t{seen - place.first}\n")
            item += 1


def _record_rows(lines: Sequence[str], pos: int, batch: int, rows: Rows) -> None:
    """Of lines of which none is refused."""
    for at, line in enumerate(lines, start=pos):
        when = line[line.index('"at":"') + 6 :][:27]
        what = line[line.index('"type":"') + 8 :].partition('"')[0]
        rows.tables["record"].append(f"{batch}\t{at}\t{what}\t{when}\tok\n")


# --- something is -------------------------------------------------------------------------------


def _odd(
    bench: Bench,
    writer: Writer,
    at: datetime,
    start: int,
    fates: Sequence[Fate],
    lines: list[str],
) -> None:
    numbers = {position: start + position - 1 for position in range(1, len(fates) + 1)}
    announced: dict[int, int] = {}
    for index, pattern in enumerate(bench.patterns):
        befallen = dict(enumerate(fates, start=1)) if index == 0 else {}
        _odd_step(
            bench, writer, at + 30 * index * _SECOND, pattern, numbers, announced, befallen, lines
        )
        numbers = {p: n for p, n in numbers.items() if befallen.get(p, "good") in _ON}


def _odd_step(
    bench: Bench,
    writer: Writer,
    at: datetime,
    pattern: Pattern,
    numbers: Mapping[int, int],
    announced: dict[int, int],
    fates: Mapping[int, Fate],
    lines: list[str],
) -> None:
    marks = [
        writer.mark(
            pattern,
            position,
            number,
            bench.block,
            None if pattern.fresh else (announced[position], position),
            (bench.run.lot, _STRANGE_LOT) if fates.get(position) == "strange" else None,
        )
        for position, number in numbers.items()
    ]
    if not marks:
        return
    lines.append(writer.intent(at, marks))
    intent = writer.seq
    for position in numbers:
        announced.setdefault(position, intent)
    did = [(p, _DID.get(fates.get(p, "good"), "done")) for p in numbers]
    lines.append(writer.marked(at + 8 * _SECOND, intent, did))
    read, unread = at + 9 * _SECOND, max(numbers)
    order = list(numbers)
    if bench.sampled:
        # The newest of a group is its sample; where that is bad, each of the others is read.
        order = [unread, *order[:-1]] if fates.get(unread) == "rejected" else [unread]
    for position in order:
        fate = fates.get(position, "good")
        if fate in _DID:
            continue
        verdict = {"rejected": "below_grade", "scrapped": "unreadable"}.get(fate, "good")
        read += _APART
        lines.append(writer.verified(read, intent, position, pattern, numbers[position], verdict))
    for position, fate in fates.items():
        read += _APART
        if fate in ("scrapped", "accepted"):
            lines.append(writer.settled(read, intent, position, fate))
        elif fate == "doubled":
            mark = writer.mark(pattern, 1, numbers[position], bench.block)
            lines.append(writer.intent(read, [mark]))


def _judged(bench: Bench, first: int, lines: Sequence[str], place: Place, rows: Rows) -> int:
    found = _hear(bench, first, [line.encode() for line in lines])
    ids = {key: place.item + at for at, key in enumerate(found.items)}
    batch, tables = place.batch, rows.tables
    tables["record"] += [
        row(
            (batch, r.seq - place.first, r.type, None if r.at is None else text_of(r.at), r.verdict)
        )
        for r in found.records
    ]
    tables["item"] += [row(_item(ids[key], item, batch)) for key, item in found.items.items()]
    tables["claim"] += [
        row(
            (
                *(bench.stream, c.seq, c.position, ids[c.item], batch, c.seq - place.first),
                *(c.order, c.space, c.number, c.fresh, c.quantity, c.station),
            )
        )
        for c in found.claims
    ]
    tables["about"] += [row((ids[key], batch, by.seq - place.first)) for key, by in found.about]
    tables["refusal"] += [row((bench.stream, r.seq, r.code, r.detail)) for r in found.refused]
    tables["sample_group"] += [
        row((g.id, bench.stream, g.station, g.order, g.size, g.seq, g.position, g.state))
        for g in found.groups.values()
    ]
    return len(ids)


def _hear(bench: Bench, first: int, lines: Sequence[bytes]) -> Conclusions:
    """By the rules of ingest. Nothing else is known: its numbers and groups are its own."""
    stream = Stream(
        id=bench.stream,
        gateway=bench.run.gateway,
        epoch=1,
        committed=first - 1,
        head=b"",
        state="live",
        boot=None,
        plan=bench.key,
        keys=(),
    )
    records, faults = rules.decode_lines(first, lines)
    return rules.hear(stream, bench.known, first, records, faults).conclusions()


def _item(number: int, item: Item, batch: int) -> tuple[object, ...]:
    return (
        *(number, item.uii, item.component, item.elements, item.state, item.read_ok, item.remark),
        *(item.quarantined, item.duplicated, item.basis, item.order, item.space, item.number),
        *(item.serial, batch, item.readback, item.sample),
    )

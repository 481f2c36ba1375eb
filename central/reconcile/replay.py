"""The rules over stored bytes once more, in memory: what the register ought to hold.

The order is the batches' ids: whoever judged an item later took its id while it held that item's
row, so the ids never contradict the order in which the register was told.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace

from central.ingest import rules
from central.ingest.facts import (
    Claim,
    Conclusions,
    Known,
    MarkKey,
    Needs,
    PlanKey,
    RecordKey,
    RecordRow,
    Stream,
)
from central.ingest.life import Item, ItemKey
from gateway.contract.plan import Plan
from gateway.contract.record import Intent, Record


@dataclass(frozen=True)
class Told:
    """A refusal as it stands."""

    code: str
    detail: str
    resolved: bool = False


@dataclass
class Replay:
    """Everything that the records say, so far. `orders` gives the components each one requires."""

    plans: dict[tuple[str, PlanKey], Plan]
    orders: dict[str, tuple[str, ...]]
    items: dict[ItemKey, Item] = field(default_factory=dict)
    claims: dict[MarkKey, Claim] = field(default_factory=dict)
    numbers: dict[tuple[str, int], tuple[MarkKey, ...]] = field(default_factory=dict)
    intents: dict[RecordKey, Intent] = field(default_factory=dict)
    refused: dict[RecordKey, Told] = field(default_factory=dict)
    spoken: dict[RecordKey, tuple[ItemKey, ...]] = field(default_factory=dict)
    """The items that each record claims or says something of."""
    _in_force: dict[tuple[str, int], PlanKey | None] = field(default_factory=dict)
    _components: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _uiis: dict[str, str] = field(default_factory=dict)

    def add(
        self, gateway: str, epoch: int, first: int, lines: Sequence[bytes]
    ) -> tuple[RecordRow, ...]:
        """Hear the next run of a stream's records; returns the rows that it gives."""
        stream = Stream(
            id=0,
            gateway=gateway,
            epoch=epoch,
            committed=first - 1,
            head=b"",
            state="live",
            boot=None,
            plan=self._in_force.get((gateway, epoch)),
            keys=(),
        )
        records, faults = rules.decode_lines(first, lines)
        known = self.known(stream, rules.needs(stream, records))
        found = rules.hear(stream, known, first, records, faults).conclusions()
        self.take(stream, records, found)
        return found.records

    def known(self, stream: Stream, needs: Needs) -> Known:
        """What the records so far hold of `needs`, as the store would answer."""
        gateway = stream.gateway
        marks = {mark: self.claims[mark].item for mark in needs.marks if mark in self.claims}
        uiis = set(needs.uiis) | {uii for uii, _ in marks.values()}
        uiis |= {self._uiis[elements] for elements in needs.elements if elements in self._uiis}
        items = {
            (uii, component): self.items[uii, component]
            for uii in uiis
            for component in self._components.get(uii, ())
        }
        orders = set(needs.orders) | {item.order for item in items.values()}
        return Known(
            plans={
                key: self.plans[gateway, key] for key in needs.plans if (gateway, key) in self.plans
            },
            items=items,
            marks=marks,
            numbers={key: self.numbers[key] for key in needs.numbers if key in self.numbers},
            intents={key: self.intents[key] for key in needs.intents if key in self.intents},
            orders={code: self.orders[code] for code in orders if code in self.orders},
        )

    def items_of(self, uiis: Iterable[str]) -> list[Item]:
        """Every component of the UIIs."""
        return [
            self.items[uii, component]
            for uii in uiis
            for component in sorted(self._components.get(uii, ()))
        ]

    def take(self, stream: Stream, records: Iterable[Record | None], found: Conclusions) -> None:
        """Hold what a run of a stream's records changed."""
        me = (stream.gateway, stream.epoch)
        self._in_force[me] = found.plan
        for record in records:
            if isinstance(record, Intent):
                self.intents[RecordKey(*me, record.seq)] = record
        spoken: dict[RecordKey, list[ItemKey]] = {}
        for key, item in found.items.items():
            self.items[key] = item
            components = self._components.get(item.uii, ())
            if item.component not in components:
                self._components[item.uii] = (*components, item.component)
            self._uiis[item.elements] = item.uii
        for claim in found.claims:
            mark = MarkKey(*me, claim.seq, claim.position)
            self.claims[mark] = claim
            spoken.setdefault(RecordKey(*me, claim.seq), []).append(claim.item)
            if claim.fresh and claim.space is not None and claim.number is not None:
                number = (claim.space, claim.number)
                self.numbers[number] = (*self.numbers.get(number, ()), mark)
        for key, seq in found.about:
            spoken.setdefault(RecordKey(*me, seq), []).append(key)
        for record_key, keys in spoken.items():
            self.spoken[record_key] = tuple(keys)
        for refusal in found.refused:
            self.refused[RecordKey(*me, refusal.seq)] = Told(refusal.code, refusal.detail)
        for of in found.resolved:
            if of in self.refused:
                self.refused[of] = replace(self.refused[of], resolved=True)

    def copy(self) -> "Replay":
        """Neither changes with the other. What is held is immutable, so no more is copied."""
        twin = copy.copy(self)
        for each in fields(self):
            held = getattr(self, each.name)
            setattr(twin, each.name, copy.copy(held))
        return twin

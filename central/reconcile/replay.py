"""The rules over stored bytes once more, in memory: what the register ought to hold.

The order is the batches' ids: whoever judged an item later took its id while it held that item's
row, so the ids never contradict the order in which the register was told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from central.ingest import rules
from central.ingest.facts import (
    Claim,
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
from gateway.contract.record import Intent


@dataclass
class Replay:
    """Everything that the records say, so far. `orders` gives the components each one requires."""

    plans: dict[tuple[str, PlanKey], Plan]
    orders: dict[str, tuple[str, ...]]
    items: dict[ItemKey, Item] = field(default_factory=dict)
    claims: dict[MarkKey, Claim] = field(default_factory=dict)
    numbers: dict[tuple[str, int], tuple[MarkKey, ...]] = field(default_factory=dict)
    intents: dict[RecordKey, Intent] = field(default_factory=dict)
    spoken: dict[RecordKey, tuple[ItemKey, ...]] = field(default_factory=dict)
    """The items that each record claims or says something of."""
    _in_force: dict[tuple[str, int], PlanKey | None] = field(default_factory=dict)
    _components: dict[str, set[str]] = field(default_factory=dict)
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
        known = self.known(gateway, rules.needs(stream, records))
        court = rules.hear(stream, known, first, records, faults)
        self._in_force[gateway, epoch] = court.plan_key
        for record in records:
            if isinstance(record, Intent):
                self.intents[RecordKey(gateway, epoch, record.seq)] = record
        self.take(gateway, epoch, court.changed, court.claims, court.about)
        return tuple(court.rows)

    def known(self, gateway: str, needs: Needs) -> Known:
        """What the records so far hold of `needs`, as the store would answer."""
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

    def take(
        self,
        gateway: str,
        epoch: int,
        items: Mapping[ItemKey, Item],
        claims: Iterable[Claim],
        about: Iterable[tuple[ItemKey, int]],
    ) -> None:
        """Hold what a run of a stream's records changed."""
        spoken: dict[int, list[ItemKey]] = {}
        for key, item in items.items():
            self.items[key] = item
            self._components.setdefault(item.uii, set()).add(item.component)
            self._uiis[item.elements] = item.uii
        for claim in claims:
            mark = MarkKey(gateway, epoch, claim.seq, claim.position)
            self.claims[mark] = claim
            spoken.setdefault(claim.seq, []).append(claim.item)
            if claim.fresh and claim.space is not None and claim.number is not None:
                number = (claim.space, claim.number)
                self.numbers[number] = (*self.numbers.get(number, ()), mark)
        for key, seq in about:
            spoken.setdefault(seq, []).append(key)
        for seq, keys in spoken.items():
            self.spoken[RecordKey(gateway, epoch, seq)] = tuple(keys)

"""The rules over stored bytes once more, in memory: what the register ought to hold.

The order is the batches' ids: whoever judged an item later took its id while it held that item's
row, so the ids never contradict the order in which the register was told.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace

from central.ingest import rules
from central.ingest.facts import (
    Brought,
    Claim,
    Conclusions,
    Held,
    Known,
    MarkKey,
    Needs,
    PlanKey,
    PlanKeys,
    RecordKey,
    RecordRow,
    Stream,
    Unjudged,
    Waiting,
)
from central.ingest.life import Item, ItemKey
from central.ingest.samples import Group
from gateway.contract.batch import BatchHeader
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
    """Everything that the records say, so far. `orders` gives the components each one requires;
    `devices` are the streams that mark nothing."""

    plans: dict[tuple[str, PlanKey], Plan]
    orders: dict[str, tuple[str, ...]]
    devices: frozenset[str] = frozenset()
    plan_keys: PlanKeys = field(default_factory=dict)
    brought: dict[tuple[str, PlanKey], Plan] = field(default_factory=dict)
    """Plans that this register had forgotten, and that batches have brought so far."""
    items: dict[ItemKey, Item] = field(default_factory=dict)
    claims: dict[MarkKey, Claim] = field(default_factory=dict)
    numbers: dict[tuple[str, int], tuple[MarkKey, ...]] = field(default_factory=dict)
    intents: dict[RecordKey, Intent] = field(default_factory=dict)
    refused: dict[RecordKey, Told] = field(default_factory=dict)
    waiting: dict[RecordKey, Waiting] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    spoken: dict[RecordKey, tuple[ItemKey, ...]] = field(default_factory=dict)
    """The items that each record claims or says something of."""
    unheld: dict[str, RecordKey] = field(default_factory=dict)
    """UIIs that no record had claimed when a gateway's reader read them, with that record."""
    _in_force: dict[tuple[str, int], PlanKey | None] = field(default_factory=dict)
    _components: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _uiis: dict[str, str] = field(default_factory=dict)
    _marks: dict[ItemKey, tuple[MarkKey, ...]] = field(default_factory=dict)
    """Every mark that claims an item."""
    _members: dict[str, frozenset[ItemKey]] = field(default_factory=dict)
    _open: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict)
    """The open groups of a stream."""

    def add(
        self,
        gateway: str,
        epoch: int,
        first: int,
        lines: Sequence[bytes],
        header: BatchHeader | None = None,
        unjudged: Unjudged | None = None,
    ) -> tuple[RecordRow, ...]:
        """Hear the next run of a stream's records; returns the rows that it gives.

        `header`: that of their batch, where it may bring plans.
        """
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
            is_device=gateway in self.devices,
        )
        records, faults = rules.decode_lines(first, lines)
        if header is not None and (unjudged is None or unjudged.claims):
            self.bring(rules.brought(header, records, self.plan_keys)[0])
        known = self.known(stream, rules.needs(stream, records))
        if unjudged is None:
            court = rules.hear(stream, known, first, records, faults)
        else:
            court = rules.set_aside(stream, known, first, records, faults, unjudged)
        found = court.conclusions()
        self.take(stream, records, found)
        return found.records

    def bring(self, plans: Iterable[Brought]) -> tuple[Brought, ...]:
        """Hold the plans that are not known yet; returns them."""
        new = []
        for each in plans:
            key = (each.plan.gateway, each.plan.which.key())
            if self.plans.get(key) != each.plan and key not in self.brought:
                self.brought[key] = each.plan
                new.append(each)
        return tuple(new)

    def _plans(self, stream: Stream, needs: Needs) -> dict[PlanKey, Plan]:
        found = {}
        for key in needs.plans:
            plan = self.brought.get((stream.gateway, key))
            if plan is None or plan.epoch != stream.epoch:
                plan = self.plans.get((stream.gateway, key), plan)
            if plan is not None:
                found[key] = plan
        return found

    def known(self, stream: Stream, needs: Needs) -> Known:
        """What the records so far hold of `needs`, as the store would answer."""
        marks = {mark: self._held(mark) for mark in needs.marks if mark in self.claims}
        if needs.repeated:
            for item in self.items_of(rules.repeated_uiis(needs, marks)):
                marks |= {other: self._held(other) for other in self._marks.get(item.key, ())}
        uiis = set(needs.uiis) | {held.item[0] for held in marks.values()}
        uiis |= {self._uiis[elements] for elements in needs.elements if elements in self._uiis}
        items = {item.key: item for item in self.items_of(uiis)}
        orders = set(needs.orders) | {item.order for item in items.values()}
        waiting = self._waiting_for(needs)
        groups = self._groups_for(stream, needs, items.values())
        claimed = {mark: items[held.item] for mark, held in marks.items()}
        if rules.may_decide(needs, claimed, bool(waiting)):
            for name in groups:
                for uii, _ in self.members(name):
                    items |= {item.key: item for item in self.items_of([uii])}
                    orders |= {self.groups[name].order}
        return Known(
            plans=self._plans(stream, needs),
            items=items,
            marks=marks,
            numbers={key: self.numbers[key] for key in needs.numbers if key in self.numbers},
            intents={key: self.intents[key] for key in needs.intents if key in self.intents},
            orders={code: self.orders[code] for code in orders if code in self.orders},
            waiting=waiting,
            groups=groups,
        )

    def _held(self, mark: MarkKey) -> Held:
        claim = self.claims[mark]
        return Held(claim.item, claim.fresh)

    def _waiting_for(self, needs: Needs) -> dict[MarkKey, tuple[Waiting, ...]]:
        found: dict[MarkKey, tuple[Waiting, ...]] = {}
        if self.waiting:
            for one in self.waiting.values():  # in the order of arrival
                if RecordKey(*one.of[:3]) in needs.awaited:
                    found[one.of] = (*found.get(one.of, ()), one)
        return found

    def _groups_for(self, stream: Stream, needs: Needs, items: Iterable[Item]) -> dict[str, Group]:
        named = rules.groups_needed(needs, items)
        if named is None:
            return {}
        mine = self._open.get((stream.gateway, stream.epoch), ())
        return {name: self.groups[name] for name in (*named, *mine)}

    def items_of(self, uiis: Iterable[str]) -> list[Item]:
        """Every component of the UIIs."""
        return [
            self.items[uii, component]
            for uii in uiis
            for component in sorted(self._components.get(uii, ()))
        ]

    def members(self, group: str) -> frozenset[ItemKey]:
        """The items whose present mark has joined it."""
        return self._members.get(group, frozenset())

    def take(self, stream: Stream, records: Iterable[Record | None], found: Conclusions) -> None:
        """Hold what a run of a stream's records changed."""
        me = (stream.gateway, stream.epoch)
        self._in_force[me] = found.plan
        for record in records:
            if isinstance(record, Intent):
                self.intents[RecordKey(*me, record.seq)] = record
        spoken: dict[RecordKey, list[ItemKey]] = {}
        for key, item in found.items.items():
            self._change_group(self.items.get(key), item)
            self.items[key] = item
            components = self._components.get(item.uii, ())
            if item.component not in components:
                self._components[item.uii] = (*components, item.component)
            self._uiis[item.elements] = item.uii
        for claim in found.claims:
            mark = MarkKey(*me, claim.seq, claim.position)
            self.claims[mark] = claim
            self._marks[claim.item] = (*self._marks.get(claim.item, ()), mark)
            spoken.setdefault(RecordKey(*me, claim.seq), []).append(claim.item)
            if claim.fresh and claim.space is not None and claim.number is not None:
                number = (claim.space, claim.number)
                self.numbers[number] = (*self.numbers.get(number, ()), mark)
        for key, record_key in found.about:
            if key not in self.spoken.get(record_key, ()):
                spoken.setdefault(record_key, []).append(key)
        for record_key, keys in spoken.items():
            self.spoken[record_key] = (*self.spoken.get(record_key, ()), *keys)
        for refusal in found.refused:
            self.refused[RecordKey(*me, refusal.seq)] = Told(refusal.code, refusal.detail)
        for of in found.resolved:
            if of in self.refused:
                self.refused[of] = replace(self.refused[of], resolved=True)
        for again in found.rejudged:
            self.refused[again.of] = Told(again.code, again.detail)
        for sighting in found.sightings:
            self.unheld.setdefault(sighting.uii, RecordKey(*me, sighting.seq))
        for of in found.judged:
            self.waiting.pop(of, None)
        self.waiting |= found.waiting
        for name, group in found.groups.items():
            self.groups[name] = group
            mine = self._open.get((group.gateway, group.epoch), frozenset())
            mine = mine | {name} if group.state == "open" else mine - {name}
            self._open[group.gateway, group.epoch] = mine

    def _change_group(self, before: Item | None, after: Item) -> None:
        former = None if before is None else before.sample
        if former == after.sample:
            return
        if former is not None:
            self._members[former] -= {after.key}
        if after.sample is not None:
            self._members[after.sample] = self._members.get(after.sample, frozenset()) | {after.key}

    def copy(self) -> "Replay":
        """Neither changes with the other. What is held is immutable, so no more is copied."""
        twin = copy.copy(self)
        for each in fields(self):
            held = getattr(self, each.name)
            setattr(twin, each.name, copy.copy(held))
        return twin

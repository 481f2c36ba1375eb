"""Items, marks and sample groups while a batch is judged, and which of them changed."""

from collections.abc import Mapping
from dataclasses import replace

from central.ingest import life
from central.ingest.facts import Held, Known, MarkKey, RecordKey, Stream
from central.ingest.life import Item, ItemKey
from central.ingest.samples import Group, joined
from gateway.contract.record import Intent, Mark, Readback


class Holdings:
    """What the register holds of a batch's marks, changed as the records are heard."""

    def __init__(self, stream: Stream, known: Known) -> None:
        self._stream = (stream.gateway, stream.epoch)
        self._orders = known.orders
        self._plans = tuple(known.plans.values())
        self._intents = dict(known.intents)
        self._marks = dict(known.marks)
        self._mine = {held.item for key, held in known.marks.items() if key[:2] == self._stream}
        self._rows: dict[str, dict[str, Item]] = {}
        self._uii_of_elements: dict[str, str] = {}
        self._groups = dict(known.groups)
        self._members: dict[str, dict[ItemKey, None]] = {}
        self._open: dict[tuple[str, str], str] = {}
        for item in known.items.values():
            self._enter(item)
        for group in known.groups.values():
            self._enter_group(group)
        self.changed: dict[ItemKey, Item] = {}
        self.changed_groups: dict[str, Group] = {}

    # --- items and marks --------------------------------------------------------------------

    def rows(self, uii: str, elements: str) -> Mapping[str, Item]:
        """By component, the rows of an item that is named so; by its elements where no UII fits."""
        found = uii if uii in self._rows else self._uii_of_elements.get(elements, uii)
        return self._rows.get(found, {})

    def with_elements(self, elements: str, component: str) -> Item | None:
        """The row of a component that carries these elements, under whatever UII."""
        for rows in self._rows.values():
            row = rows.get(component)
            if row is not None and row.elements == elements:
                return row
        return None

    def siblings(self, uii: str) -> list[Item]:
        """Every component that carries the number."""
        return list(self._rows[uii].values())

    def held(self, key: MarkKey) -> Held | None:
        return self._marks.get(key)

    def row_of(self, key: MarkKey) -> Item | None:
        """The item that a mark claims, as it is now."""
        found = self._marks.get(key)
        return None if found is None else self._rows[found.item[0]][found.item[1]]

    def claimed_here(self, item: ItemKey) -> bool:
        """Whether this stream has marked it, as far as repeats make its claims known."""
        return item in self._mine

    def announce(self, key: RecordKey, intent: Intent) -> None:
        self._intents[key] = intent

    def intent(self, key: MarkKey) -> Intent | None:
        return self._intents.get(RecordKey(*key[:3]))

    def mark(self, key: MarkKey) -> Mark | None:
        """What an intent announced for a position."""
        intent = self.intent(key)
        if intent is None:
            return None
        return next((mark for mark in intent.marks if mark.position == key.position), None)

    def claim(self, key: MarkKey, item: Item, *, fresh: bool) -> None:
        self._marks[key] = Held(item.key, fresh)
        self._mine.add(item.key)

    def required(self, item: Item) -> tuple[str, ...]:
        """The components that make the number good.

        A restored register may have forgotten the order; the plan in force names it then.
        """
        return self._orders.get(item.order) or self._planned(item.order) or (item.component,)

    def _planned(self, code: str) -> tuple[str, ...]:
        orders = (plan.order(code) for plan in self._plans)
        order = next(filter(None, orders), None)
        return () if order is None else tuple(each.name for each in order.components)

    def put(self, item: Item) -> None:
        """Hold an item as it is now, and its number's goodness, which its components share."""
        if self._put(item):
            for row in life.whole(self._rows[item.uii], self.required(item)):
                self._put(row)

    def flag(self, uii: str) -> None:
        """All that carries the number is duplicated."""
        for row in self.siblings(uii):
            self._put(replace(row, duplicated=True))

    def _put(self, item: Item) -> bool:
        if self._rows.get(item.uii, {}).get(item.component) == item:
            return False
        self._enter(item)
        self.changed[item.key] = item
        return True

    def _enter(self, item: Item) -> None:
        rows = self._rows.setdefault(item.uii, {})
        former = rows.get(item.component)
        rows[item.component] = item
        self._uii_of_elements[item.elements] = item.uii
        if former is not None and former.sample not in (None, item.sample):
            self._members.get(former.sample or "", {}).pop(item.key, None)
        if item.sample is not None:
            self._members.setdefault(item.sample, {})[item.key] = None

    # --- sample groups ------------------------------------------------------------------------

    def join(self, key: MarkKey, item: Item, station: str, readback: Readback) -> None:
        """A part that was marked joins the open group of its station and order."""
        group = self._groups.get(self._open.get((station, item.order), ""))
        if group is None:
            name = "/".join(map(str, key))
            group = Group(name, *self._stream, station, item.order, 0, key.seq, key.position)
        group = joined(group, key.seq, key.position, readback)
        self._put_group(group)
        self.put(replace(item, sample=group.id))
        if group.state == "closed":
            self._weigh(group)

    def read(self, key: MarkKey, *, good: bool, own: bool) -> None:
        """A device has read a mark: it may be its group's sample, or become it."""
        group = self._group_of(key)
        if group is None or group.sample() != key:
            return
        # The stream's own journal alone says where a group ends, so that it ends in one place
        # whatever arrives first.
        if group.state == "closed" or (group.state == "open" and own):
            row = self.row_of(key)
            self._conclude(group, good=good and row is not None and row.read_ok)

    def decided(self, key: MarkKey) -> None:
        """People have settled a mark: a sample that was settled proves nothing for the others."""
        group = self._group_of(key)
        if group is not None and group.sample() == key and group.state == "closed":
            self._conclude(group, good=False)

    def _group_of(self, key: MarkKey) -> Group | None:
        row = self.row_of(key)
        return None if row is None or row.sample is None else self._groups.get(row.sample)

    def _weigh(self, group: Group) -> None:
        """What was said of the sample before its own outcome was heard, by another gateway."""
        row = self.row_of(MarkKey(*group.sample()))
        assert row is not None
        if row.read_ok and row.basis == "read":
            self._conclude(group, good=True)
        elif row.basis == "accepted" or row.state not in ("marked", "good"):
            self._conclude(group, good=False)

    def _conclude(self, group: Group, *, good: bool) -> None:
        self._put_group(replace(group, state="good" if good else "failed"))
        for uii, component in list(self._members.get(group.id, {})):
            row = self._rows[uii][component]
            after = life.sampled(row, good=good)
            if after != row:
                self.put(after)

    def _put_group(self, group: Group) -> None:
        self._groups[group.id] = self.changed_groups[group.id] = group
        self._enter_group(group)

    def _enter_group(self, group: Group) -> None:
        name = (group.station, group.order)
        if (group.gateway, group.epoch) != self._stream:
            return
        if group.state == "open":
            self._open[name] = group.id
        elif self._open.get(name) == group.id:
            del self._open[name]

"""Counts every number of every issued block, from signed plans and stored records alone.

issued = unused + open + good + rejected + scrapped + voided + unknown + lost + missing. No term is
what remains of the others. Whatever the rows say and the bytes do not, or the bytes and not the
rows, and every number that no term holds, is unaccounted and named. So is a missing one: a device
has read it on a part, or a branch of a forked journal that the register does not hold announced it,
and no record holds its mark. A number of either branch is disputed, whatever its term, until two
people have found that one piece bears it, or none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from central.ingest.facts import MarkKey, PlanKey, RecordKey
from central.ingest.ingest_acts import unjudged_batches
from central.ingest.life import Item
from central.ingest.salvage import Gap, gaps
from central.ingest.samples import Group
from central.keys import plan_keys
from central.reconcile.replay import Replay
from gateway.contract.batch import BatchHeader, first_head, heads
from gateway.contract.errors import ContractError
from gateway.contract.plan import CentralKey, Plan, PlanOrder, decode_plan
from gateway.contract.signed import Signed

TERMS = ("unused", "open", "good", "rejected", "scrapped", "voided", "unknown", "lost", "missing")
_WORST_FIRST = ("scrapped", "rejected", "unknown", "open", "marked")


@dataclass
class Account:
    """What became of the numbers of one order, or of one gateway."""

    issued: int = 0
    terms: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TERMS, 0))
    unaccounted: dict[str, None] = field(default_factory=dict)
    missing: dict[str, RecordKey] = field(default_factory=dict)
    """Serials on parts that no record of the register claims, with the record that says so."""
    disputed: dict[str, None] = field(default_factory=dict)
    """Serials that one branch of a forked journal announced, until one piece or none was found."""

    def told(self, kind: str, name: str) -> dict[str, Any]:
        return {
            kind: name,
            "issued": self.issued,
            **self.terms,
            "unaccounted": list(self.unaccounted),
            "disputed": list(self.disputed),
            "engraved": [
                {"serial": serial, "gateway": read.gateway, "epoch": read.epoch, "seq": read.seq}
                for serial, read in self.missing.items()
            ],
        }


@dataclass(frozen=True)
class IssuedBlock:
    """Numbers `start` to `end`, both included, as a signed plan (or an `accepted`) names them."""

    id: str
    space: str
    start: int
    end: int
    order: str
    gateway: str
    epoch: int


@dataclass
class Balance:
    """The whole answer."""

    orders: dict[str, Account] = field(default_factory=dict)
    gateways: dict[str, Account] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        accounts = (*self.orders.values(), *self.gateways.values())
        return not any(each.unaccounted or each.missing or each.disputed for each in accounts)

    def told(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "balanced": self.balanced,
            "orders": [a.told("order", name) for name, a in sorted(self.orders.items())],
            "gateways": [a.told("gateway", name) for name, a in sorted(self.gateways.items())],
        }

    def order(self, name: str) -> Account:
        return self.orders.setdefault(name, Account())

    def gateway(self, name: str) -> Account:
        return self.gateways.setdefault(name, Account())


def reconcile(connection: Connection[TupleRow], keys: tuple[CentralKey, ...]) -> Balance:
    """Count inside the caller's transaction, which should be REPEATABLE READ."""
    return _Audit(connection, keys).run()


class _Audit:
    def __init__(self, connection: Connection[TupleRow], keys: tuple[CentralKey, ...]) -> None:
        self._connection = connection
        self._plan_keys = plan_keys(keys)
        self._balance = Balance()
        self._blocks: dict[str, IssuedBlock] = {}
        self._orders: dict[str, PlanOrder] = {}
        self._disputed: set[str] = set()
        """UIIs that a branch of a forked journal announced, and that are not found on one piece."""
        self._elsewhere: dict[tuple[str, int], RecordKey] = {}
        """Numbers that a branch announced which the register does not hold."""
        self._doubtful: dict[str, None] = {}
        """UIIs of which rows and bytes do not say the same."""
        self._brought: set[tuple[str, PlanKey]] = set()
        """Plans that stand in the rows as brought."""
        self._strange: list[tuple[str, str]] = []
        """(gateway, what): rows that do not fit, and that concern no number."""

    def run(self) -> Balance:
        for (name,) in self._connection.execute("SELECT name FROM gateway").fetchall():
            self._balance.gateway(name)
        for (code,) in self._connection.execute("SELECT code FROM orders").fetchall():
            self._balance.order(code)
        devices = self._connection.execute("SELECT name FROM device").fetchall()
        replay = Replay(
            plans=self._read_plans(),
            orders=self._required(),
            devices=frozenset(name for (name,) in devices),
            plan_keys=self._plan_keys,
        )
        self._read_batches(replay)
        self._read_disputes()
        for gateway, (incarnation, version) in sorted(self._brought ^ replay.brought.keys()):
            self._strange.append((gateway, f"plan {incarnation}/{version}, which no batch brought"))
        self._compare_claims(replay)
        self._compare_items(replay)
        self._compare_groups(replay)
        self._compare_waiting(replay)
        self._compare_refusals(replay)
        self._count(replay)
        return self._balance

    # --- what was issued ---------------------------------------------------------------------

    def _read_plans(self) -> dict[tuple[str, PlanKey], Plan]:
        plans: dict[tuple[str, PlanKey], Plan] = {}
        for gateway, incarnation, version, body, brought in self._connection.execute(
            "SELECT gateway, incarnation, version, body, brought FROM plan"
            " ORDER BY incarnation, version, brought"
        ):
            try:
                plan = decode_plan(bytes(body), self._plan_keys.get)
            except ContractError as error:
                self._strange.append((gateway, f"plan {incarnation}/{version}: {error}"))
                continue
            if brought:
                self._brought.add((gateway, (incarnation, version)))
            else:
                plans[gateway, (incarnation, version)] = plan
            for order in plan.orders:
                self._orders[order.id] = order
            for block in plan.blocks:
                issued = IssuedBlock(
                    *(block.id, block.space, block.start, block.end, block.order),
                    *(gateway, plan.epoch),
                )
                if self._blocks.setdefault(block.id, issued) != issued:
                    self._strange.append((gateway, f"block {block.id} was issued twice"))
        self._compare_blocks()
        return plans

    def _compare_blocks(self) -> None:
        rows = {
            row[0]: IssuedBlock(*row)
            for row in self._connection.execute(
                "SELECT b.id, space, lower(span), upper(span) - 1, coalesce(order_code, ''),"
                " s.gateway, s.epoch FROM block b JOIN stream s ON s.id = b.stream"
            )
        }
        for name, row in rows.items():
            known = self._blocks.get(name)
            # Known from an `accepted` alone, after a restore; its plan may have come later.
            if row.order == "" and (known is None or replace(known, order="") == row):
                self._blocks[name] = row
        for name, block in self._blocks.items():
            if rows.get(name) != block:
                self._strange.append((block.gateway, f"block {name} is not as it was signed"))
        for name in rows.keys() - self._blocks.keys():
            self._strange.append((rows[name].gateway, f"block {name} stands in no signed plan"))

    def _required(self) -> dict[str, tuple[str, ...]]:
        return {
            code: tuple(component["name"] for component in components)
            for code, components in self._connection.execute("SELECT code, components FROM orders")
        }

    # --- what was recorded -------------------------------------------------------------------

    def _read_batches(self, replay: Replay) -> None:
        streams = {}
        public: dict[tuple[int, str], bytes] = {}
        for stream, gateway, epoch, committed, head, previous in self._connection.execute(
            "SELECT id, gateway, epoch, committed, head, previous_head FROM stream"
        ):
            begin = first_head(gateway, epoch, bytes(previous))
            streams[stream] = _Chain(gateway, epoch, committed, bytes(head), begin)
        for chain in streams.values():
            chain.gaps = gaps(self._connection, chain.gateway, chain.epoch)
        for stream, name, key in self._connection.execute(
            "SELECT stream, key_id, public FROM stream_key"
        ):
            public[stream, name] = bytes(key)
        unjudged = unjudged_batches(self._connection)
        with self._connection.cursor(name="batches") as cursor:
            cursor.itersize = 50
            cursor.execute(
                "SELECT b.stream, b.first, b.last, b.head, b.header, b.key_id, b.sig, b.body,"
                " r.pos, r.verdict, r.type FROM batch b CROSS JOIN LATERAL ("
                "  SELECT coalesce(array_agg(pos ORDER BY pos), '{}') AS pos,"
                "   coalesce(array_agg(verdict ORDER BY pos), '{}') AS verdict,"
                "   coalesce(array_agg(type ORDER BY pos), '{}') AS type"
                "  FROM record WHERE batch = b.id) r ORDER BY b.id"
            )
            for stream, first, last, head, header, key, signature, body, *rows in cursor:
                chain = streams[stream]
                lines = bytes(body).split(b"\n")
                aside = unjudged.get((chain.gateway, chain.epoch, first))
                bringing = _bringing(bytes(header))
                heard = replay.add(chain.gateway, chain.epoch, first, lines, bringing, aside)
                signed = Signed("batch", bytes(header), key, bytes(signature), b"")
                if not chain.follows(
                    first, last, bytes(head), lines, signed, public.get((stream, key))
                ):
                    self._doubt(replay, chain, range(first, first + len(lines)))
                stored = dict(zip(rows[0], zip(rows[1], rows[2], strict=True), strict=True))
                for pos, row in enumerate(heard):
                    if stored.pop(pos, None) != (row.verdict, row.type):
                        self._doubt(replay, chain, [row.seq])
                if stored:
                    self._doubt(replay, chain, [first + pos for pos in stored])
        for chain in streams.values():
            if not chain.complete:
                self._strange.append(
                    (chain.gateway, f"epoch {chain.epoch} is not whole up to {chain.committed}")
                )

    def _doubt(self, replay: Replay, chain: "_Chain", seqs: Iterable[int]) -> None:
        for seq in seqs:
            key = RecordKey(chain.gateway, chain.epoch, seq)
            items = replay.spoken.get(key, ())
            self._doubtful |= dict.fromkeys(uii for uii, _ in items)
            if not items:
                self._strange.append((chain.gateway, f"epoch {chain.epoch} record {seq}"))

    def _read_disputes(self) -> None:
        rows = self._connection.execute(
            "SELECT s.gateway, s.epoch, d.seq, d.held, d.uii, d.serial, d.order_code, d.space,"
            " d.number, d.found FROM disputed_mark d JOIN stream s ON s.id = d.stream"
            " ORDER BY s.gateway, s.epoch, d.serial, d.seq"
        )
        for gateway, epoch, seq, held, uii, serial, order, space, number, found in rows:
            if found != "one":
                self._disputed.add(uii)
            if found in ("one", "none"):
                continue
            for account in (self._balance.order(order), self._balance.gateway(gateway)):
                account.disputed[serial] = None
            if not held and space is not None:
                self._elsewhere[space, number] = RecordKey(gateway, epoch, seq)

    def _compare_claims(self, replay: Replay) -> None:
        seen = set()
        for gateway, epoch, seq, position, *row in self._connection.execute(
            "SELECT s.gateway, s.epoch, c.seq, c.position, i.uii, i.component, c.order_code,"
            " c.space, c.number, c.fresh, c.quantity, c.station, c.seq = b.first + c.pos"
            " FROM claim c"
            " JOIN stream s ON s.id = c.stream JOIN item i ON i.id = c.item"
            " LEFT JOIN batch b ON b.id = c.batch"
        ):
            mark = MarkKey(gateway, epoch, seq, position)
            seen.add(mark)
            claim = replay.claims.get(mark)
            given = claim and [
                *(*claim.item, claim.order, claim.space, claim.number, claim.fresh),
                *(claim.quantity, claim.station),
            ]
            if given != row[:-1] or row[-1] is not True:
                self._doubtful[row[0]] = None
        for mark in replay.claims.keys() - seen:
            self._doubtful[replay.claims[mark].item[0]] = None

    def _compare_items(self, replay: Replay) -> None:
        seen = set()
        for row in self._connection.execute(
            "SELECT uii, component, elements, order_code, space, number, serial, state, read_ok,"
            " remark, quarantined, duplicated, basis, readback, sample, disputed FROM item"
        ):
            item, disputed = Item(*row[:-1]), row[-1]
            seen.add(item.key)
            as_disputed = disputed == (item.uii in self._disputed)
            if replay.items.get(item.key) != item or not as_disputed:
                self._doubtful[item.uii] = None
                if item.key not in replay.items:
                    self._name(item.order, "", item.serial)
        for key in replay.items.keys() - seen:
            self._doubtful[key[0]] = None

    def _compare_groups(self, replay: Replay) -> None:
        """A group that is not as its members made it casts doubt on each of them."""
        seen = {
            row[0]: Group(*row)
            for row in self._connection.execute(
                "SELECT g.id, s.gateway, s.epoch, g.station, g.order_code, g.size, g.seq,"
                " g.position, g.state FROM sample_group g JOIN stream s ON s.id = g.stream"
            )
        }
        for name in seen.keys() | replay.groups.keys():
            if seen.get(name) == replay.groups.get(name):
                continue
            members = replay.members(name)
            self._doubtful |= dict.fromkeys(uii for uii, _ in members)
            if not members:
                self._strange.append((seen[name].gateway, f"sample group {name}"))

    def _compare_waiting(self, replay: Replay) -> None:
        ours = {(*key, *one.of, one.heard) for key, one in replay.waiting.items()}
        theirs = set(
            self._connection.execute(
                "SELECT s.gateway, s.epoch, w.seq, w.of_gateway, w.of_epoch, w.of_seq,"
                " w.of_position, w.heard FROM waiting w JOIN stream s ON s.id = w.stream"
            ).fetchall()
        )
        for gateway, epoch, seq, *_ in sorted(ours ^ theirs):
            self._strange.append((gateway, f"epoch {epoch} record {seq}, which waits"))

    def _compare_refusals(self, replay: Replay) -> None:
        ours = {(*key, told.code, told.resolved) for key, told in replay.refused.items()}
        theirs = set(
            self._connection.execute(
                "SELECT s.gateway, s.epoch, r.seq, r.code, r.resolved IS NOT NULL FROM refusal r"
                " JOIN stream s ON s.id = r.stream"
            ).fetchall()
        )
        for gateway, epoch, seq, *_ in sorted(ours ^ theirs):
            self._strange.append((gateway, f"epoch {epoch} record {seq}, its refusal"))

    # --- the sum -----------------------------------------------------------------------------

    def _count(self, replay: Replay) -> None:
        spent: dict[str, set[int]] = {}
        for space, number in replay.numbers:
            spent.setdefault(space, set()).add(number)
        lost = self._losses()
        void = {block for (block,) in self._connection.execute("SELECT block FROM voided_block")}
        ended = {
            (gateway, epoch)
            for gateway, epoch in self._connection.execute(
                "SELECT s.gateway, s.epoch FROM stream s JOIN stream n"
                " ON n.gateway = s.gateway AND n.epoch > s.epoch"
            )
        }
        for block in self._blocks.values():
            claimed = {n for n in spent.get(block.space, ()) if block.start <= n <= block.end}
            self._count_block(
                replay,
                block,
                claimed,
                lost.get(block.id, ()),
                ended=(block.gateway, block.epoch) in ended,
                void=block.id in void,
            )
        held = {
            (block.space, number)
            for block in self._blocks.values()
            for number in spent.get(block.space, ())
            if block.start <= number <= block.end
        }
        for uii in self._doubtful:
            for item in replay.items_of([uii]):
                if (item.space, item.number) not in held:
                    self._name(item.order, _gateway_of(replay, item), item.serial)
        for gateway, what in self._strange:
            self._balance.gateway(gateway).unaccounted[what] = None

    def _count_block(
        self,
        replay: Replay,
        block: IssuedBlock,
        claimed: set[int],
        lost: Iterable[tuple[int, int]],
        *,
        ended: bool,
        void: bool,
    ) -> None:
        accounts = (self._balance.order(block.order), self._balance.gateway(block.gateway))
        for account in accounts:
            account.issued += block.end - block.start + 1
        for number in sorted(claimed):
            term = self._term(replay, block.space, number)
            for account in accounts:
                if term is None:
                    account.unaccounted[self._serial(block, number)] = None
                else:
                    account.terms[term] += 1
        for number, term in unclaimed(block, claimed, lost, ended=ended, void=void):
            # What an epoch that goes on has marked, it may still report.
            read = self._elsewhere.get((block.space, number))
            if read is None and ended:
                read = self._read_on_a_part(replay, block, number)
            for account in accounts:
                if read is not None:
                    account.terms["missing"] += 1
                    account.missing[self._serial(block, number)] = read
                elif term is None:
                    account.unaccounted[self._serial(block, number)] = None
                else:
                    account.terms[term] += 1

    def _read_on_a_part(self, replay: Replay, block: IssuedBlock, number: int) -> RecordKey | None:
        """The record by which a device read a number that no record has claimed."""
        order = self._orders.get(block.order)
        if order is None or not replay.unheld:
            return None
        uiis = (order.item(number, component).uii for component in order.components)
        return next((replay.unheld[uii] for uii in uiis if uii in replay.unheld), None)

    def _term(self, replay: Replay, space: str, number: int) -> str | None:
        uiis = {replay.claims[mark].item[0] for mark in replay.numbers[space, number]}
        if any(uii in self._doubtful for uii in uiis):
            return None
        return term_of(replay.items_of(sorted(uiis)))

    def _losses(self) -> dict[str, list[tuple[int, int]]]:
        found: dict[str, list[tuple[int, int]]] = {}
        for block, start, end in self._connection.execute(
            "SELECT block, lower(span), upper(span) FROM loss"
        ):
            found.setdefault(block, []).append((start, end))
        return found

    def _serial(self, block: IssuedBlock, number: int) -> str:
        order = self._orders.get(block.order)
        return order.serial(number) if order is not None else f"{block.space} {number}"

    def _name(self, order: str, gateway: str, serial: str) -> None:
        self._balance.order(order).unaccounted[serial] = None
        if gateway:
            self._balance.gateway(gateway).unaccounted[serial] = None


def _bringing(header: bytes) -> BatchHeader | None:
    """The header of a batch that brings plans; None for any other, to spare decoding it."""
    if b'"plans"' not in header:
        return None
    try:
        return BatchHeader.from_line(header)
    except ContractError:
        return None


def unclaimed(
    block: IssuedBlock,
    claimed: set[int],
    lost: Iterable[tuple[int, int]],
    *,
    ended: bool,
    void: bool,
) -> Iterator[tuple[int, str | None]]:
    """The numbers of a block that no record has claimed, each with its term; None: unaccounted.

    `lost`: half-open runs. `ended`: the block's epoch is closed, so that nothing is unused. `void`:
    no plan names the block any more. A gateway spends a block in order, so a gap below a claimed
    number is no unused number.
    """
    rest = "voided" if void else "unused"
    lost_here = {n for start, end in lost for n in range(start, end)}
    highest = max(claimed, default=block.start - 1)
    for number in range(block.start, block.end + 1):
        if number in claimed:
            continue
        if number in lost_here:
            yield number, "lost"
        else:
            yield number, rest if not ended and number > highest else None


def term_of(items: list[Item]) -> str:
    """The term of a number whose components stand like this: the worst of them speaks."""
    states = {item.state for item in items}
    for state in _WORST_FIRST:
        if state in states:
            return "open" if state == "marked" else state
    return "good" if "good" in states else "voided"


def _gateway_of(replay: Replay, item: Item) -> str:
    return next((m.gateway for m, c in replay.claims.items() if c.item == item.key), "")


@dataclass
class _Chain:
    """One stream's bytes, walked from its first record."""

    gateway: str
    epoch: int
    committed: int
    head: bytes
    at: bytes
    seq: int = 0
    gaps: Mapping[int, Gap] = field(default_factory=dict)
    """The gaps that officers have entered, by their first record."""

    def follows(
        self,
        first: int,
        last: int,
        head: bytes,
        lines: list[bytes],
        signed: Signed,
        public: bytes | None,
    ) -> bool:
        """Whether the next batch is whole, continues the chain, and is signed."""
        gap = self.gaps.get(self.seq + 1)
        if gap is not None and gap.last == first - 1:
            self.at, self.seq = gap.head, gap.last
        chain = list(heads(self.at, lines))
        fits = first == self.seq + 1 and last == first + len(lines) - 1 and chain[-1] == head
        self.at, self.seq = chain[-1], last
        try:
            signed.verify(lambda _name: public)
            header = BatchHeader.from_line(signed.line)
        except ContractError:
            return False
        return (
            fits
            and header.head == head.hex()
            and (header.gateway, header.epoch, header.last) == (self.gateway, self.epoch, last)
        )

    @property
    def complete(self) -> bool:
        return (self.seq, self.at) == (self.committed, self.head)


def table(balance: Balance) -> Iterator[str]:
    """Lines for people."""
    names = ("issued", *TERMS)
    for kind, accounts in (("order", balance.orders), ("gateway", balance.gateways)):
        width = max([len(kind), *map(len, accounts)], default=len(kind))
        yield f"{kind:<{width}} " + " ".join(f"{name:>8}" for name in names)
        for name, account in sorted(accounts.items()):
            values = (account.issued, *account.terms.values())
            yield f"{name:<{width}} " + " ".join(f"{value:>8}" for value in values)
            for what in account.unaccounted:
                yield f"  unaccounted: {what}"
            for what, read in account.missing.items():
                where = f"{read.gateway} epoch {read.epoch} record {read.seq}"
                yield f"  missing: {what} is on a part, says {where}; salvage its journal"
            for what in account.disputed:
                yield f"  disputed: {what} may be on two parts: two journals of one epoch went on"
        yield ""
    yield "balanced" if balance.balanced else "NOT balanced"

"""Gateways that mark one order's numbers from their plans, a register, and the metal: no I/O.

A gateway does what its accepted plan and its own journal allow, and reports later or never. The
register knows what was reported, and compiles plans by the real rules. What is engraved is counted.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from central.plan.compile import compile_plan
from central.plan.due import in_doubt
from central.plan.facts import (
    Decision,
    DueMark,
    Facts,
    Held,
    HeldBlock,
    Limits,
    Member,
    Number,
    Order,
    Piece,
    StreamKey,
    held_by,
)
from central.register.licences.models import Validity
from gateway.contract.plan import Component, Plan, Template, Verify
from tests.support.registry import TEMPLATE

ORDER, SPACE = "G-1", "UMG.M70"
Mode = Literal["each", "sample", "elsewhere"]
START = datetime(2026, 11, 24, 8, tzinfo=UTC)


@dataclass
class Epoch:
    """One journal: what it did, how much of that was reported, and the plan it stands on."""

    key: StreamKey
    done: list[tuple[str, int, str]] = field(default_factory=list)
    """(what, number, component): marked, blank (not started), read, accepted (a plan's index)."""
    reported: int = 0
    plan: Plan | None = None
    accepted: tuple[int, int] | None = None
    """As the register knows it."""
    plans: list[Plan] = field(default_factory=list)
    """All that were signed for it."""

    def has(self, number: int, component: str) -> bool:
        return ("marked", number, component) in self.done


@dataclass
class Floor:
    """`members` by name; `components` in their order."""

    components: tuple[str, ...]
    members: dict[str, Member]
    mode: Mode
    quantity: int
    limits: Limits
    tray: int | None = None
    now: datetime = START
    epochs: dict[str, Epoch] = field(default_factory=dict)
    blocks: list[tuple[StreamKey, HeldBlock]] = field(default_factory=list)
    pieces: dict[int, dict[str, Piece]] = field(default_factory=dict)
    opened: dict[int, StreamKey] = field(default_factory=dict)
    since: dict[int, datetime] = field(default_factory=dict)
    doubts: dict[int, frozenset[str]] = field(default_factory=dict)
    lost: int = 0
    void: set[str] = field(default_factory=set)
    """Blocks that no plan names any more."""
    metal: list[tuple[int, str]] = field(default_factory=list)
    signed: int = 0

    def __post_init__(self) -> None:
        for name in self.members:
            self.epochs[name] = Epoch(StreamKey(name, 1))

    # --- the register -----------------------------------------------------------------------

    def order(self) -> Order:
        numbers = self.pieces.values()
        good = sum(self._is_good(pieces) for pieces in numbers)
        ended = sum(self._is_ended(pieces) for pieces in numbers)
        return Order(
            code=ORDER,
            product="M70",
            kind="serial",
            quantity=self.quantity,
            contents=None,
            lot=None,
            job="J",
            template=Template(content=TEMPLATE),
            components=tuple(Component(name=n, symbol=n.upper()) for n in self.components),
            verify=Verify(mode=self.mode),
            expect=(),
            tray=self.tray,
            space=SPACE,
            state="released",
            licence=Validity("active", START - timedelta(days=9), START + timedelta(days=9)),
            members=tuple(self._member(member) for _, member in sorted(self.members.items())),
            issued=sum(block.end - block.start + 1 for _, block in self.blocks),
            lost=self.lost,
            void=sum(
                block.end - block.start + 1 - self._claimed(block)
                for key, block in self.blocks
                if block.id in self.void and key == self.epochs[key.gateway].key
            ),
            doubtful=sum(not self._is_ended(self.pieces[number]) for number in self.doubts),
            good=good,
            ended=ended,
            waiting=len(self.pieces) - good - ended,
            changed=max(self.since.values(), default=None),
        )

    def _member(self, member: Member) -> Member:
        key = self.epochs[member.gateway].key
        return replace(member, epoch=key.epoch, live=True, held=self._held(key))

    def _held(self, key: StreamKey) -> int:
        return sum(
            b.end - b.start + 1 - self._claimed(b)
            for k, b in self.blocks
            if k == key and b.id not in self.void
        )

    def _claimed(self, block: HeldBlock) -> int:
        return sum(block.start <= number <= block.end for number in self.pieces)

    def _is_good(self, pieces: dict[str, Piece]) -> bool:
        return all(name in pieces and pieces[name].read_ok for name in self.components)

    def _is_ended(self, pieces: dict[str, Piece]) -> bool:
        return any(
            p.state == "scrapped" or (p.state == "voided" and not p.remark) for p in pieces.values()
        )

    def facts(self, gateway: str) -> Facts:
        epoch = self.epochs[gateway]
        held = {name: self.held(name) for name in self.members if name != gateway}
        numbers = tuple(
            Number(
                order=ORDER,
                number=number,
                opened=(*self.opened[number], 1),
                position=1,
                pieces=dict(pieces),
                since=self.since[number],
                doubtful=self.doubts.get(number, frozenset()),
            )
            for number, pieces in self.pieces.items()
        )
        return Facts(
            gateway=gateway,
            epoch=epoch.key.epoch,
            accepted=epoch.accepted,
            former=epoch.plans[-1] if epoch.plans else None,
            incarnation=1,
            may_issue=True,
            orders=(self.order(),),
            blocks=tuple(
                replace(block, claimed=self._claimed(block))
                for key, block in self.blocks
                if key == epoch.key and block.id not in self.void
            ),
            spaces={SPACE: 1 + sum(b.end - b.start + 1 for _, b in self.blocks)},
            people=(),
            keys=(),
            limits=self.limits,
            now=self.now,
            numbers=numbers,
            in_play=frozenset(mark for found in held.values() for mark in found.marks),
        )

    def held(self, gateway: str) -> Held:
        """What a gateway's journal may still mark by the plans that were signed for it."""
        epoch = self.epochs[gateway]
        return held_by(epoch.accepted, epoch.plans)

    def compile(self, gateway: str) -> Decision:
        """A plan, where there is reason for one; signed and retained."""
        decision = compile_plan(self.facts(gateway))
        self.void |= {void.block for void in decision.voids}
        epoch = self.epochs[gateway]
        if decision.plan is not None:
            # A new epoch goes on from the former's version, as the register's own table does.
            self.signed += 1
            epoch.plans.append(decision.plan.model_copy(update={"version": self.signed}))
            for issue in decision.issues:
                end = issue.start + issue.size - 1
                block = HeldBlock(
                    *(issue.block, issue.space, issue.start, end, issue.order),
                    claimed=0,
                    issued=self.now,
                )
                self.blocks.append((epoch.key, block))
        return decision

    def end_epoch(self, gateway: str) -> None:
        """The disk is gone with all that was not reported; the gateway is enrolled anew."""
        old = self.epochs[gateway]
        order, given = self.order(), self.held(gateway)
        for key, block in self.blocks:
            if key == old.key:
                self.lost += block.end - block.start + 1 - self._claimed(block)
        for number in self.facts(gateway).numbers:
            doubt = in_doubt(order, number, old.key, given)
            if doubt and not self._is_ended(self.pieces[number.number]):
                former = self.doubts.get(number.number, frozenset())
                self.doubts[number.number] = former | {doubt}
        self.epochs[gateway] = Epoch(StreamKey(gateway, old.key.epoch + 1))

    def give_back(self, number: int) -> None:
        """An officer looks for the pieces in doubt; what is found is scrapped with its number."""
        doubt = self.doubts.pop(number, frozenset())
        if any((number, component) in self.metal for component in doubt):
            self._say(number, self.components[0], state="scrapped")

    # --- the gateways -------------------------------------------------------------------------

    def accept(self, gateway: str) -> None:
        """The newest plan, where there is one."""
        epoch = self.epochs[gateway]
        if epoch.plans and epoch.plan != epoch.plans[-1]:
            epoch.plan = epoch.plans[-1]
            epoch.done.append(("accepted", len(epoch.plans) - 1, ""))

    def work(self, gateway: str) -> list[tuple[int, str]]:
        """What the gateway may mark now: (number, component)."""
        epoch = self.epochs[gateway]
        order = epoch.plan.order(ORDER) if epoch.plan else None
        if epoch.plan is None or order is None or order.state != "released":
            return []
        mine = self.components if order.marks is None else order.marks
        found = [
            (number, self.components[0])
            for block in epoch.plan.blocks
            for number in range(block.start, block.end + 1)
            if not any(number == n for what, n, _ in epoch.done if what in ("marked", "blank"))
        ]
        found += [(due.number, due.component) for due in epoch.plan.due or () if due.do == "mark"]
        for before, component in zip(self.components, self.components[1:], strict=False):
            if component in mine:
                found += [
                    (number, component)
                    for what, number, piece in epoch.done
                    if what == "marked" and piece == before and self._goes_on(epoch, number, piece)
                ]
        found += [
            (n, c) for what, n, c in epoch.done if what == "blank" and c != self.components[0]
        ]
        return sorted({w for w in found if not epoch.has(*w)})

    def _goes_on(self, epoch: Epoch, number: int, component: str) -> bool:
        return self.mode != "each" or ("read", number, component) in epoch.done

    def mark(self, gateway: str, number: int, component: str, *, starts: bool = True) -> None:
        epoch = self.epochs[gateway]
        if starts:
            self.metal.append((number, component))
            epoch.done.append(("marked", number, component))
            if self.mode == "each":
                epoch.done.append(("read", number, component))
        else:
            epoch.done.append(("blank", number, component))

    def read(self, gateway: str) -> None:
        """Everything that the accepted plan says is due for a read, good."""
        epoch = self.epochs[gateway]
        for due in (epoch.plan.due or ()) if epoch.plan else ():
            if due.do == "read" and ("read", due.number, due.component) not in epoch.done:
                epoch.done.append(("read", due.number, due.component))

    def report(self, gateway: str, upto: int | None = None) -> None:
        """The next records (all where None) reach the register."""
        epoch = self.epochs[gateway]
        end = len(epoch.done) if upto is None else min(len(epoch.done), epoch.reported + upto)
        for what, number, component in epoch.done[epoch.reported : end]:
            if what == "accepted":
                epoch.accepted = epoch.plans[number].which.key()
                continue
            self.since[number] = self.now
            if what == "read":
                piece = self.pieces[number][component]
                if piece.state == "marked":
                    self.pieces[number][component] = replace(piece, read_ok=True)
                continue
            first = component == self.components[0]
            state = "marked" if what == "marked" else "voided"
            blank = what == "blank" and not first
            self.pieces.setdefault(number, {})[component] = Piece(
                state, False, blank, epoch.key, 1, 1
            )
            if first:
                self.opened[number] = epoch.key
        epoch.reported = end

    def sample(self, number: int) -> None:
        """What a sample's good read, or a person, concludes of all that is marked."""
        for component, piece in self.pieces.get(number, {}).items():
            if piece.state == "marked":
                self._say(number, component, read_ok=True)

    def scrap(self, number: int) -> None:
        if not self._is_good(self.pieces[number]):
            self._say(number, self.components[0], state="scrapped")

    def _say(self, number: int, component: str, **change: object) -> None:
        piece = self.pieces[number][component]
        self.pieces[number][component] = replace(piece, **change)  # type: ignore[arg-type]
        self.since[number] = self.now

    # --- what must hold -------------------------------------------------------------------------

    def marks_in_play(self) -> dict[str, frozenset[DueMark]]:
        return {name: self.held(name).marks for name in self.members}

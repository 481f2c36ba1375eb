"""What compiling a plan is told and what it answers: plain values, no SQL and no clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from central.register.certificates.models import UNLIMITED, Permit
from central.register.entities.standing import CLEAR, Standing
from central.register.licences.models import Validity
from central.register.licences.terms import Use
from central.register.orders.standing import Footing
from central.register.places.models import NOWHERE, Where
from gateway.contract.plan import CentralKey, Component, Person, Plan, Template, Verify

OrderState = Literal["released", "paused", "completed", "closed"]
"""Of orders that a plan may name: a draft is nobody's yet."""
PlanKey = tuple[int, int]
"""(incarnation, version)."""


class StreamKey(NamedTuple):
    """One epoch of one gateway."""

    gateway: str
    epoch: int


class DueMark(NamedTuple):
    """A further component that a number is to be marked on."""

    order: str
    number: int
    component: str


@dataclass(frozen=True)
class Limits:
    """How long a gateway may mark unheard, and how much it holds ahead."""

    lease: timedelta
    block_size: int
    reserve: int | None = None
    """How few numbers a gateway comes down to before it is given more; half of them where None."""
    void_after: timedelta = timedelta(days=183)
    """Numbers that were issued so long ago and are unused are void."""
    due_marks: int = 200
    due_reads: int = 400
    settle: timedelta = timedelta(seconds=2)
    """How long something due may wait for others to travel in the same plan."""
    keep_finished: timedelta = timedelta(days=1)
    """How long an order that is finished, and owed nothing, stays in the plan."""


@dataclass(frozen=True)
class Member:
    """A gateway of an order. `components`: those that it marks, all where None."""

    gateway: str
    components: tuple[str, ...] | None = None
    reads: bool = False
    """Whether it reads back what other gateways marked, where the order says `elsewhere`."""
    block_size: int | None = None
    """How many numbers it holds at once; as `Limits` say where None. `reserve` likewise."""
    reserve: int | None = None
    epoch: int = 0
    """Its newest epoch; 0 before it was ever enrolled."""
    live: bool = False
    held: int = 0
    """Numbers of its newest epoch's blocks for this order that no record has claimed."""

    def marks(self, component: str) -> bool:
        return self.components is None or component in self.components


@dataclass(frozen=True)
class Order:
    """An order with its licence and what became of its numbers, as the register holds them."""

    code: str
    product: str
    kind: Literal["serial", "package"]
    quantity: int
    contents: int | None
    lot: str | None
    job: str
    template: Template
    components: tuple[Component, ...]
    verify: Verify
    expect: tuple[str, ...]
    tray: int | None
    space: str
    state: OrderState
    licence: Validity
    members: tuple[Member, ...]
    standing: Standing = CLEAR
    """That of the product's entity."""
    issued: int = 0
    """Numbers in all blocks ever issued for it."""
    lost: int = 0
    """Of these, lost with an epoch before a record claimed them."""
    void: int = 0
    """Of these, void: in blocks that no plan names any more, and claimed by no record."""
    doubtful: int = 0
    """Numbers of which a lost journal may have marked a further component."""
    good: int = 0
    ended: int = 0
    """Voided or scrapped: they will never be good."""
    waiting: int = 0
    """Claimed, and neither good nor ended."""
    changed: datetime | None = None
    """When a record last changed one of its numbers."""
    category: str | None = None
    of_product: int = 0
    of_category: int = 0
    """Ordered under the licence up to this order: of its product, and of its category."""
    permit: Permit = UNLIMITED
    """Of its product."""

    def member(self, gateway: str) -> Member | None:
        return next((member for member in self.members if member.gateway == gateway), None)

    @property
    def use(self) -> Use:
        return Use(self.product, self.category, self.of_product, self.of_category)

    @property
    def footing(self) -> Footing:
        return Footing(self.standing, self.licence, self.use, self.permit)

    @property
    def opener(self) -> str:
        """The component that is marked with a fresh number."""
        return self.components[0].name


@dataclass(frozen=True)
class HeldBlock:
    """A block of the live stream; `claimed` counts its numbers that a record has claimed."""

    id: str
    space: str
    start: int
    end: int
    order: str
    claimed: int
    issued: datetime

    @property
    def unclaimed(self) -> int:
        return self.end - self.start + 1 - self.claimed


@dataclass(frozen=True)
class Piece:
    """One component that carries a number, and the record that last announced its mark."""

    state: str
    read_ok: bool
    remark: bool
    by: StreamKey
    seq: int
    position: int

    @property
    def blank(self) -> bool:
        """A repeat whose shot was not started: nothing is on the metal, another is lawful."""
        return self.state == "voided" and self.remark


@dataclass(frozen=True)
class Number:
    """A number that a record has opened, as far as something may be due of it."""

    order: str
    number: int
    opened: tuple[str, int, int]
    """(gateway, epoch, seq) of the intent that spent it."""
    position: int
    pieces: Mapping[str, Piece]
    since: datetime
    """When a record last changed it."""
    flagged: bool = False
    """Duplicated or quarantined: an officer looks at it first."""
    doubtful: frozenset[str] = frozenset()
    """Components that a lost journal may have marked."""


@dataclass(frozen=True)
class Facts:
    """All that one gateway's plan follows from."""

    gateway: str
    epoch: int
    """Its live stream."""
    accepted: PlanKey | None
    """The plan that the stream's last `accepted` record names."""
    former: Plan | None
    """The gateway's newest plan, of whatever epoch."""
    incarnation: int
    may_issue: bool
    """False after a restore, until every gateway has told what was forgotten, and while the guard
    cannot keep how far numbers were issued."""
    orders: tuple[Order, ...]
    """Those of this gateway, oldest first."""
    blocks: tuple[HeldBlock, ...]
    """Those of the live stream that are not void, in the order of their issue."""
    spaces: Mapping[str, int]
    """The next number of each space, by the register and by its guard."""
    people: tuple[Person, ...]
    """Whose time has run out, too."""
    keys: tuple[CentralKey, ...]
    limits: Limits
    now: datetime
    numbers: tuple[Number, ...] = ()
    """At least those that `former` says something is due of, and the oldest others that may be."""
    in_play: frozenset[DueMark] = frozenset()
    """What other gateways' newest epochs may still mark under a plan that they hold."""
    blind: frozenset[str] = frozenset()
    """Other gateways that hold a plan which this register does not know."""
    where: Where = NOWHERE
    """Where the gateway works."""


@dataclass(frozen=True)
class Issue:
    """Numbers from `start` on, to be issued to the live stream."""

    block: str
    space: str
    start: int
    size: int
    order: str


@dataclass(frozen=True)
class Void:
    """A block that no plan names any more, and why: `expired` or `closed`."""

    block: str
    cause: Literal["expired", "closed"]


@dataclass(frozen=True)
class Decision:
    """`plan` None: the former one stands. `again`: when to look again, untold."""

    plan: Plan | None
    issues: tuple[Issue, ...] = ()
    voids: tuple[Void, ...] = ()
    again: datetime | None = None


@dataclass(frozen=True)
class Held:
    """What a stream may still do under the plans that it holds, or may come to accept."""

    marks: frozenset[DueMark] = field(default_factory=frozenset)
    blind: bool = False


def held_by(accepted: PlanKey | None, plans: Iterable[Plan]) -> Held:
    """From all plans signed for one stream: the accepted one and every later one are in play.

    A plan that the register has forgotten may name anything.
    """
    known = [(plan.which.key(), plan) for plan in plans]
    if accepted is not None and all(key != accepted for key, _ in known):
        return Held(blind=True)
    return Held(
        frozenset(
            DueMark(due.order, due.number, due.component)
            for key, plan in known
            if accepted is None or key >= accepted
            for due in plan.due or ()
            if due.do == "mark"
        )
    )

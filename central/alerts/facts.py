"""What the rules look at, as it was read from the register."""

from dataclasses import dataclass
from datetime import date, datetime

from central.register.articles.models import Disposition, EventKind, Verdict
from central.register.consignments.models import ConsignmentState, Direction
from central.register.stock.models import CountState


@dataclass(frozen=True)
class Limits:
    """What the configuration says of when something is too much."""

    fastest_km_h: float
    least_seconds_a_number: float
    gateway_silent_minutes: float
    clock_off_seconds: float


@dataclass(frozen=True)
class RefusedMark:
    """A record that announced marks and was not accepted. `uiis`: all that it claimed; `doubled`:
    those of them that were claimed twice."""

    gateway: str
    epoch: int
    seq: int
    code: str
    detail: str
    uiis: tuple[str, ...]
    doubled: tuple[str, ...]

    @property
    def record(self) -> str:
        return f"{self.gateway}/{self.epoch}/{self.seq}"


@dataclass(frozen=True)
class Spot:
    """Where and when a thing was; degrees of its site, where they are known."""

    event: str
    place: str
    happened: datetime
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Told:
    """What an event told of an article that it named, or flagged. `holder`: who had it once it had
    befallen it, `owner`: whose place it tells of, `reporter`: who told it; None where that is not
    known. `spot`: where its
    place lies; `others`: the nearest in time before and after, of what had been told until then."""

    event: str
    what: EventKind
    article: str
    verdict: Verdict
    before: Disposition | None
    after: Disposition | None
    place: str | None = None
    holder: str | None = None
    owner: str | None = None
    reporter: str | None = None
    spot: Spot | None = None
    others: tuple[Spot, ...] = ()


@dataclass(frozen=True)
class UsedBlock:
    """A block whose last number was claimed."""

    id: str
    order: str
    gateway: str
    size: int
    issued: datetime
    used_up: datetime


@dataclass(frozen=True)
class Heard:
    """A gateway whose epoch is live, and when it was last heard of; `since`: when listening
    began."""

    gateway: str
    seen: datetime
    since: datetime
    now: datetime


@dataclass(frozen=True)
class Backlog:
    """A gateway that is heard from, and `waiting` records that it says it holds and the register
    does not. `since`: when it was first seen so, without having caught up meanwhile."""

    gateway: str
    waiting: int
    since: datetime
    now: datetime


@dataclass(frozen=True)
class ClockRead:
    """How far the clock by which a gateway wrote a record was ahead of the register's time, in
    seconds; below 0: behind."""

    gateway: str
    record: str
    ahead: float


@dataclass(frozen=True)
class LatchedGateway:
    """The newest epoch of a gateway, with its latches: those that it reports for this epoch, and
    the register's own. `boot`: the start that reported them, empty where only the register did."""

    gateway: str
    epoch: int
    boot: str
    latches: tuple[str, ...]


@dataclass(frozen=True)
class ForkedJournal:
    """An epoch whose journal went on in two places, with the items that either branch marked, and
    the stations that did."""

    gateway: str
    epoch: int
    stations: tuple[str, ...]
    uiis: tuple[str, ...]


@dataclass(frozen=True)
class OlderRegister:
    """A register that is proved older than it was (`proof`); `incarnation`: its own."""

    incarnation: int
    proof: str


@dataclass(frozen=True)
class ClaimedRecords:
    """Records of a gateway's newest epoch: `claimed` were confirmed as it says, `held` are here."""

    gateway: str
    epoch: int
    incarnation: int
    claimed: int
    held: int


@dataclass(frozen=True)
class CountedOrder:
    """An order's mass balance. `unaccounted`: numbers that no term holds, or (below 0) that more
    than one does."""

    order: str
    issued: int
    unaccounted: int


@dataclass(frozen=True)
class CountedLot:
    """A lot's balance. `short`: so many pieces are told of that there never were; `disputed`: so
    many movements cannot be, and nobody has settled them."""

    lot: str
    filled: int
    short: int
    disputed: int


@dataclass(frozen=True)
class Overdue:
    """A consignment whose receipt has not ended by its planned arrival."""

    consignment: str
    state: ConsignmentState
    direction: Direction
    planned_arrival: datetime


@dataclass(frozen=True)
class LastHad:
    """An article that did not come. `holder`: who had it last; `event`, `what`: what was told of
    it last, by `reporter` (None: the registry); None where nothing was."""

    article: str
    holder: str | None
    event: str | None
    what: EventKind | None
    reporter: str | None


@dataclass(frozen=True)
class Received:
    """A consignment whose receipt an `act` ended. `short`: those of its articles that did not come,
    of which the first are told of; `count`: how many they are. A party without a code is named."""

    consignment: str
    act: int
    sender: str
    recipient: str
    carrier: str
    short: tuple[LastHad, ...]
    count: int


@dataclass(frozen=True)
class Missing:
    """A count after its comparison, or after somebody looked again (`act`). `weapons`: those that
    are missing; `pieces`: how many loose ones are."""

    count: str
    act: int
    place: str
    entity: str
    weapons: tuple[str, ...]
    pieces: int


@dataclass(frozen=True)
class OverdueCount:
    """A count that runs, and was to be closed by now."""

    count: str
    state: CountState
    place: str
    due: datetime


@dataclass(frozen=True)
class UnjudgedBatch:
    """A batch that ingest could not judge, and keeps; `act` tells of it."""

    gateway: str
    epoch: int
    first: int
    last: int
    fault: str
    act: int


@dataclass(frozen=True)
class NotStored:
    """A day's messages of a gateway that ingest could keep as evidence only; `detail`: the first
    one's fault."""

    gateway: str
    day: date
    count: int
    detail: str


@dataclass(frozen=True)
class FailedLook:
    """A look of the watch that ended with a fault: a rule that it is for, an act or a batch."""

    look: str
    fault: str
    day: date


@dataclass(frozen=True)
class RefusedScan:
    """A record of a device, or of a gateway, that was to become an event and did not."""

    device: str
    record: str
    code: str
    detail: str


Looked = (
    RefusedMark
    | UnjudgedBatch
    | NotStored
    | FailedLook
    | Told
    | UsedBlock
    | Heard
    | Backlog
    | ClockRead
    | LatchedGateway
    | ForkedJournal
    | OlderRegister
    | ClaimedRecords
    | CountedOrder
    | CountedLot
    | Overdue
    | Received
    | Missing
    | OverdueCount
    | RefusedScan
)

"""What the read-only endpoints answer."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from central.queries.terms import ItemState, Term
from central.register.lots.balance import LotBalance
from central.screens.texts import Language

Readback = Literal["each", "sample", "elsewhere", "eye"]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]*$")]
_TOLD = Field(description="`detail` for people, by language")


class Answer(BaseModel):
    """Frozen: an answer is built once."""

    model_config = ConfigDict(frozen=True)


class RecordKey(Answer):
    """A record anywhere: gateway, epoch, and its number in that epoch's journal."""

    gateway: Annotated[str, Field(examples=["gramsh.line-2"])]
    epoch: Annotated[int, Field(examples=[3])]
    seq: Annotated[int, Field(examples=[1207])]


class Sample(Answer):
    """Parts of which one is read for all."""

    size: int
    state: Annotated[
        Literal["open", "closed", "good", "failed"],
        Field(description="closed: its newest part is the sample, and is to be read"),
    ]


class Mark(Answer):
    """One component that carries a number, and the last record that names it."""

    id: Annotated[int, Field(description="rises with the order in which marks became known")]
    changed: Annotated[int, Field(description="the batch that changed its state last")]
    uii: Annotated[str, Field(examples=["DA0G1HAK001200"])]
    component: Annotated[str, Field(examples=["receiver"])]
    serial: Annotated[str, Field(examples=["AK001200"])]
    order: Annotated[str, Field(examples=["ord-31"])]
    product: str
    model: str
    calibre: str
    kind: str
    lot: str | None
    state: ItemState
    basis: Annotated[str, Field(description="of good: read, sample, keyed, eye or accepted")]
    readback: Annotated[Readback, Field(description="how the order wants it read back")]
    sample: Annotated[Sample | None, Field(description="the group that it has joined")]
    quarantined: bool
    duplicated: bool
    remark: Annotated[
        bool, Field(description="one more mark is allowed: on the same part, or of one left blank")
    ]
    record: RecordKey
    type: Annotated[str, Field(examples=["verified"])]
    at: Annotated[datetime | None, Field(description="by the gateway's clock")]
    received: datetime
    station: str | None
    operator: Annotated[str | None, Field(description="a badge's pseudonym")]
    witnesses: Annotated[list[str], Field(description="who decided, where people did")]


class ItemComponent(Answer):
    """A component of an item, as it stands now."""

    component: str
    state: ItemState
    basis: str
    readback: Readback
    sample: Sample | None
    quarantined: bool
    duplicated: bool
    remark: bool


class Item(Answer):
    """All that carries one UII."""

    uii: Annotated[str, Field(examples=["DA0G1HAK001200"])]
    elements: Annotated[str, Field(examples=["06:18S=A0G1HAK001200"])]
    serial: Annotated[str, Field(examples=["AK001200"])]
    space: str | None
    number: int | None
    order: str
    product: str
    model: str
    calibre: str
    kind: str
    lot: str | None
    entity: str
    term: Annotated[Term, Field(description="where the number stands in the mass balance")]
    required: Annotated[list[str], Field(description="components that must be good")]
    components: Annotated[
        list[ItemComponent], Field(description="in the order in which its order names them")
    ]


class Evidence(Answer):
    """Why a record can be believed: the signed batch that it came in."""

    batch: int
    first: int
    last: int
    head: Annotated[Hex, Field(description="the chain's head after the batch's last record")]
    key: Annotated[str, Field(description="id of the key that signed the batch")]
    public: Annotated[Hex | None, Field(description="that key's 32 raw bytes")]
    signature: Annotated[str, Field(description="base64, Ed25519")]
    received: datetime
    signed: Annotated[bool, Field(description="the key signed this header; checked just now")]
    chained: Annotated[
        bool, Field(description="the stored bytes lead from the head before to this one")
    ]
    sha256: Annotated[Hex, Field(description="of the record's bytes")]
    own: Annotated[
        Hex | None,
        Field(
            description="the chain's head after this record: what a gateway prints beside it."
            " None where the batch before is not there"
        ),
    ] = None


class LifeEntry(Answer):
    """One record of an item's life."""

    record: RecordKey
    type: Annotated[str, Field(description="empty where the bytes are no record")]
    at: datetime | None
    station: str | None
    operator: str | None
    operator_auth: str
    components: Annotated[list[str], Field(description="those of the item that it names")]
    verdict: Annotated[str, Field(examples=["ok", "not-licensed"])]
    detail: Annotated[str, Field(description="why it was refused")]
    resolved: Annotated[
        datetime | None,
        Field(description="when a correction, or the mark that it names, answered it"),
    ]
    says: Annotated[dict[str, Any] | None, Field(description="the record, decoded")]
    text: Annotated[str, Field(description="the record's bytes as they were journalled")]
    evidence: Evidence


class ItemLife(Item):
    """An item with every record that names it, in the order in which the register learned."""

    life: list[LifeEntry]


class RecordView(Answer):
    """One record, and the items that it names."""

    entry: LifeEntry
    items: list[Item]


class SearchResult(Answer):
    """What a search found, as it stands in the register; nothing is completed."""

    query: str
    folded: Annotated[
        bool,
        Field(description="nothing was exactly so; capitals, spaces, O/0 and I/1 counted the same"),
    ]
    items: list[Item]
    records: list[RecordKey]
    orders: Annotated[list[str], Field(description="of this code, or of a lot of this number")]
    lots: Annotated[list[str], Field(description="of this number, or of this code")]
    products: Annotated[list[str], Field(description="of this code or NATO stock number")]
    packages: list[str]
    legacy: Annotated[
        list[str],
        Field(description="marked before the register: with this serial, lot or inventory number"),
    ]


OrderState = Literal[
    "draft", "released", "held", "finished", "suspended", "completed", "closed", "cancelled"
]
"""What is held, finished or suspended may go on; who looks sees it as the gateway does."""


class Balance(Answer):
    """The numbers issued, a count a term; each counted, none by subtraction."""

    issued: int
    unused: int
    open: int
    good: int
    rejected: int
    scrapped: int
    voided: int
    unknown: int
    lost: int


class BalanceRow(Balance):
    """The balance of an order, a gateway or a producer. `issued` counts the numbers of the blocks
    issued to it in the period, and each term those of them that stand in it now: `unused` may be
    marked yet; `open` was spent, and is not good and not bad so far; `voided` will never be marked;
    `unknown` may be on metal; `lost` belonged to a journal that ended before it was heard of."""

    key: str
    quarantined: Annotated[int, Field(description="numbers with that flag, in whatever term")]
    duplicated: int
    unaccounted: Annotated[int, Field(description="issued numbers that no term holds")]


class StationRow(Answer):
    """The balance of a station. `spent` counts the numbers whose first mark it made in the period,
    by its gateway's clock, and each term those of them that stand in it now, whoever brought them
    there. Unspent numbers are its gateway's."""

    key: Annotated[str, Field(examples=["gramsh.line-2/station-1"])]
    spent: int
    open: int
    good: int
    rejected: int
    scrapped: int
    voided: int
    unknown: int
    quarantined: int
    duplicated: int


class LotBalanceRow(LotBalance):
    """The balance of a lot, in pieces."""

    key: Annotated[str, Field(examples=["9x19-fmj-carton/KMP26L001-012"])]


class Balances(Answer):
    """`rows` of one kind; `since` (included) and `until` (not) as they were asked for."""

    by: Literal["order", "gateway", "station", "producer", "lot"]
    since: datetime | None
    until: datetime | None
    rows: list[BalanceRow] | list[StationRow] | list[LotBalanceRow]


class AtGateway(Answer):
    """What stands against an order at one of its gateways, whatever the order's own state is."""

    gateway: Annotated[str, Field(examples=["gramsh.line-2"])]
    obstacle: Annotated[
        str,
        Field(
            description="as a code, as the gateway's plan tells it; empty: nothing",
            examples=["place-inactive"],
        ),
    ]
    said: Annotated[str, Field(description="the officer's own words, where there are any")]


class FirstPiece(Answer):
    """The first piece of a component at a gateway, before whose approval its station waits."""

    gateway: Annotated[str, Field(examples=["gramsh.line-2"])]
    station: Annotated[str | None, Field(description="null where none was approved")]
    component: Annotated[str, Field(examples=["receiver"])]
    state: Annotated[
        Literal["approved", "awaited"],
        Field(description="awaited: in the gateway's newest journal nobody approved one yet"),
    ]
    people: Annotated[list[str], Field(description="who approved it: badges' pseudonyms")]
    at: Annotated[datetime | None, Field(description="when, by the gateway's clock")]
    uii: Annotated[str | None, Field(examples=["DA0G1HAK001200"])]
    reason: str
    record: Annotated[RecordKey | None, Field(description="that says so")]


class OrderProgress(Answer):
    """An order and how far it has come."""

    code: Annotated[str, Field(examples=["ord-31"])]
    product: str
    model: str
    calibre: str
    kind: str
    entity: str
    quantity: int
    contents: int | None
    lot: str | None
    state: OrderState
    reason: Annotated[
        str, Field(description="why not released, as a code", examples=["licence-suspended"])
    ]
    said: Annotated[str, Field(description="the officer's own words, where there are any")]
    licence: str
    created: datetime
    gateways: list[str]
    at: Annotated[list[AtGateway], Field(description="a line a gateway, at this moment")]
    quarantined: Annotated[int, Field(description="numbers with that flag, in whatever term")]
    duplicated: int
    balance: Balance
    unaccounted: Annotated[int, Field(description="issued numbers that no term holds")]


class PlanKey(Answer):
    incarnation: int
    version: int


Link = Literal["online", "silent", "offline", "never"]


class Gateway(Answer):
    """A gateway's health: what it last said of itself, and what the register holds of it."""

    name: Annotated[str, Field(examples=["gramsh.line-2"])]
    link: Annotated[
        Link, Field(description="silent: it said online, and has not been heard for too long")
    ]
    epoch: Annotated[int | None, Field(description="the newest epoch that was opened")]
    boot: str | None
    stream: Annotated[
        Literal["live", "forked", "two-of-me", "closed"] | None,
        Field(description="state of the newest epoch's stream"),
    ]
    latches: Annotated[list[str], Field(description="as the gateway says")]
    committed: int
    seq: Annotated[int | None, Field(description="end of its journal, as it last said")]
    waiting: Annotated[int | None, Field(description="seq − committed")]
    plan: Annotated[PlanKey | None, Field(description="in force there, as it last said")]
    newest_plan: PlanKey | None
    seen: Annotated[datetime | None, Field(description="its last word, state or batch")]
    refused: Annotated[int, Field(description="open refusals")]
    evidence: Annotated[int, Field(description="messages kept that are no batch")]


class Refusal(Answer):
    """A record that the register holds and does not accept."""

    record: RecordKey
    code: str
    detail: str
    told: Annotated[dict[Language, str], _TOLD]
    type: str
    at: datetime | None
    resolved: datetime | None


class Waiting(Answer):
    """A read or a decision of another gateway's mark that came too early to be judged."""

    record: RecordKey
    of: Annotated[RecordKey, Field(description="the intent that it names")]
    position: int
    heard: Annotated[bool, Field(description="the mark is known, and what became of it is awaited")]


class EvidenceRow(Answer):
    """A message that could not be stored as a batch, kept whole."""

    id: int
    gateway: str
    received: datetime
    reason: Annotated[str, Field(examples=["bad-signature", "forked", "two-of-me"])]
    detail: str
    told: Annotated[dict[Language, str], _TOLD]
    size: int
    sha256: Hex


class BatchView(Answer):
    """A batch as it was signed. `bytes` are served beside it."""

    id: int
    record: Annotated[RecordKey, Field(description="its first record here")]
    last: int
    head: Hex
    header: Annotated[str, Field(description="the signed line")]
    key: str
    signature: str
    received: datetime

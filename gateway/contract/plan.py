"""The plan: orders, blocks of numbers, people and the lease under which a gateway may mark."""

import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from gateway.contract.encoding import Count, GatewayName, Message, Seq, Time, Version
from gateway.contract.errors import ContractError
from gateway.contract.record import Item, Position, RecordRef
from gateway.contract.signed import SigningKey, sign, take_apart
from gateway.contract.topics import PlanVersion
from gateway.contract.uii import identify

_PLACE = re.compile(r"\{(serial|lot|component)\}")
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,59}$")]


class Template(Message):
    """What is engraved. `{serial}`, `{lot}` and `{component}` are put in; nothing else is."""

    content: Annotated[str, Field(max_length=400)]
    lines: tuple[Annotated[str, Field(max_length=200)], ...] = ()
    serial_prefix: Annotated[str, Field(pattern=r"^[A-Z0-9/-]{0,20}$")] = ""
    serial_digits: Annotated[int, Field(strict=True, ge=1, le=18)] = 6


class Component(Message):
    """A piece of the product that is marked; `symbol` is its code inside the symbol."""

    name: Code
    symbol: str = ""
    job: str | None = None
    """The device's job for this piece; the order's where absent."""


class Verify(Message):
    """How a mark is read back; `eye` needs a reason that is journalled with each judgement."""

    mode: Literal["each", "sample", "elsewhere", "eye"]
    every: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1
    reason: str = ""
    first_piece: Literal["approved-by-second", "none"] | None = None
    """Whether each station waits after the first piece that it makes, until a second person has
    approved it. Absent is `none`."""


class PlanOrder(Message):
    """An order as far as it may be marked here."""

    id: Code
    product: Code
    kind: Literal["serial", "package"]
    quantity: Seq
    """How many items this order is for."""
    contents: Count | None = None
    """How many pieces one package holds, for packages."""
    lot: str | None = None
    job: str
    template: Template
    components: Annotated[tuple[Component, ...], Field(min_length=1)]
    marks: tuple[Code, ...] | None = None
    """The components that this gateway marks; all of them where absent."""
    verify: Verify
    expect: tuple[str, ...] = ()
    """Other codes that a part may already carry: a carton's EAN, a foreign maker's mark."""
    tray: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None
    """How many parts lie in one tray and are marked in one cycle; one where absent."""
    state: Literal["released", "held", "finished", "suspended"]
    reason: str = ""
    """Why it is not released, as a stable code (`licence-suspended`, `order-held`)."""

    def serial(self, number: int) -> str:
        """The serial number's text for a number of the block."""
        return f"{self.template.serial_prefix}{number:0{self.template.serial_digits}d}"

    def content(self, number: int, component: Component) -> str:
        """The symbol's whole content."""
        return self._fill(self.template.content, number, component)

    def lines(self, number: int, component: Component) -> tuple[str, ...]:
        """The legible lines beside the symbol."""
        return tuple(self._fill(line, number, component) for line in self.template.lines)

    def item(self, number: int, component: Component) -> Item:
        """What the mark claims; raises `UiiError` if the template makes no UII."""
        found = identify(self.content(number, component))
        return Item(uii=found.uii, elements=found.elements)

    def names(self, number: int, uii: str) -> bool:
        """Return whether a piece of that number carries that UII."""
        return any(self.item(number, component).uii == uii for component in self.components)

    def _fill(self, text: str, number: int, component: Component) -> str:
        values = {
            "serial": self.serial(number),
            "lot": self.lot or "",
            "component": component.symbol,
        }
        return _PLACE.sub(lambda place: values[place[1]], text)


class Due(Message):
    """A number that another station's or gateway's record has opened, and what is to be done here:
    mark a further component with it, or read back the mark that `of` announced."""

    do: Literal["mark", "read"]
    order: Code
    number: Count
    component: Code
    of: RecordRef
    position: Position = 1
    space: str | None = None
    """The number's space, of a mark; absent from older plans."""


class Block(Message):
    """Numbers `start` to `end`, both included, of a space, for one order on one gateway."""

    id: Code
    space: str
    start: Count
    end: Count
    order: Code


class Person(Message):
    """Someone who may act at the line. Hashes only: no name and no badge number travels."""

    id: Code
    badge: str
    """SHA-256 of `gjurma/v1/badge\\n` and the badge's text, in hex."""
    pin: str
    """Argon2id, as its encoded string."""
    roles: tuple[Literal["operator", "shift-lead", "quality"], ...]
    until: Time | None = None


class CentralKey(Message):
    """A public key of central's, 32 raw bytes in hex."""

    id: str
    use: Literal["receipt", "plan"]
    public: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Plan(Message):
    """One a gateway; replaces all earlier ones."""

    v: Version = 1
    gateway: GatewayName
    epoch: Seq
    incarnation: Count
    version: Seq
    lease_until: Time
    orders: tuple[PlanOrder, ...] = ()
    blocks: tuple[Block, ...] = ()
    due: tuple[Due, ...] | None = None
    people: tuple[Person, ...] = ()
    keys: tuple[CentralKey, ...] = ()

    @property
    def which(self) -> PlanVersion:
        return PlanVersion(incarnation=self.incarnation, version=self.version)

    def order(self, order_id: str) -> PlanOrder | None:
        return next((order for order in self.orders if order.id == order_id), None)


def encode_plan(plan: Plan, key: SigningKey) -> bytes:
    return sign("plan", plan.line(), key)


def decode_plan(payload: bytes, public_key: Callable[[str], bytes | None]) -> Plan:
    """Checks the signature first; raises `SignatureInvalid` or `ContractError`."""
    signed = take_apart("plan", payload)
    signed.verify(public_key)
    if signed.rest:
        raise ContractError("plan: something follows the signature")
    return Plan.from_line(signed.line)

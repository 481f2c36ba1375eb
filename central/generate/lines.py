"""The bytes of records as a gateway encodes them, from patterns: pure.

The contract's own encoder takes a tenth of a millisecond for a mark. A pattern is cut once out of
what it wrote, and filled in; a test decodes and encodes what comes of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from central.generate.schedule import Run
from gateway.contract.plan import Component
from gateway.contract.record import FromBlock, Item, Mark, Readback, RecordRef, Repeat

DEVICE = "reader-1"
STATION = "station-1"
OPERATOR = "p-17"
CLOCK = '"clock":{"synced":true},'
_TRIAL = 71_938_264
"""A number whose digits stand in a symbol of nobody else's."""


def text_of(at: datetime) -> str:
    """As `format_time` writes it; `at` is in UTC."""
    return at.isoformat(timespec="microseconds")[:26] + "Z"


@dataclass(frozen=True)
class Pattern:
    """One component's marks of an order."""

    before: tuple[str, ...]
    """What stands between the places of the serial number's digits."""
    fresh: bool
    digits: int
    content: tuple[str, str]
    """Of the symbol, as JSON."""
    uii: tuple[str, str]
    elements: tuple[str, str]

    @classmethod
    def of(cls, run: Run, component: Component, gateway: str) -> "Pattern":
        order, fresh = run.order, component == run.order.components[0]
        source = (
            FromBlock(block=run.block.id, space=run.block.space, number=_TRIAL)
            if fresh
            else Repeat(of=RecordRef(gateway=gateway, epoch=1, seq=_TRIAL), number=_TRIAL)
        )
        pieces = len(order.components)
        found = order.item(_TRIAL, component)
        mark = Mark(
            position=1,
            component=component.name,
            order=order.id,
            job=order.job,
            kind=order.kind,
            quantity=order.contents,
            lot=order.lot,
            item=Item(uii=found.uii, elements=found.elements),
            content=order.content(_TRIAL, component),
            text=order.lines(_TRIAL, component),
            readback=Readback(mode=order.verify.mode, every=order.verify.every),
            pieces=pieces if pieces > 1 else None,
            piece=order.components.index(component) + 1 if pieces > 1 else None,
            source=source,
        )
        line = mark.line().decode()
        digits = order.template.serial_digits
        serial = f"{_TRIAL:0{digits}d}"
        body, _, _ = line.removeprefix('{"position":1,').partition('"source":')
        symbol = body.partition('"content":')[2].partition(',"text"')[0]
        return cls(
            before=tuple(body.split(serial)),
            fresh=fresh,
            digits=digits,
            content=_around(symbol, serial),
            uii=_around(found.uii, serial),
            elements=_around(found.elements, serial),
        )


def _around(text: str, serial: str) -> tuple[str, str]:
    before, _, after = text.partition(serial)
    return before, after


class Writer:
    """One stream's records, each with the next number. What is random follows from its seed."""

    def __init__(self, gateway: str, seed: str) -> None:
        self._gateway = gateway
        self._random = Random(seed)  # noqa: S311 - nothing is kept secret by it
        self.seq = 0

    def _common(self, at: datetime, what: str) -> str:
        self.seq += 1
        return (
            f'{{"seq":{self.seq},"at":"{text_of(at)}",{CLOCK}"station":"{STATION}",'
            f'"operator":"{OPERATOR}","operator_auth":"badge",'
            f'"salt":"{self._random.randbytes(16).hex()}","type":"{what}",'
        )

    def opened(self, at: datetime) -> str:
        return (
            self._common(at, "opened")
            + '"reason":"generated","versions":{},"devices":{},"config":""}'
        )

    def accepted(self, at: datetime, incarnation: int, version: int, until: str, run: Run) -> str:
        block = run.block
        return (
            f'{self._common(at, "accepted")}"incarnation":{incarnation},"version":{version},'
            f'"lease_until":"{until}","blocks":[{{"block":"{block.id}","space":"{block.space}",'
            f'"start":{block.start},"end":{block.end}}}]}}'
        )

    def intent(self, at: datetime, marks: Iterable[str]) -> str:
        return (
            f'{self._common(at, "intent")}"cycle":"{self.seq:x}","start":"plc",'
            f'"marks":[{",".join(marks)}]}}'
        )

    def mark(
        self,
        pattern: Pattern,
        position: int,
        number: int,
        block: tuple[str, str],
        of: tuple[int, int] | None = None,
        lot: tuple[str, str] | None = None,
    ) -> str:
        """`of`: the intent and the position that it repeats; `lot`: one that stands for another."""
        if of is None:
            source = f'{{"kind":"block","block":"{block[0]}","space":"{block[1]}",'
        else:
            source = (
                f'{{"kind":"repeat","of":{{"gateway":"{self._gateway}","epoch":1,"seq":{of[0]}}},'
                f'"position":{of[1]},'
            )
        body = f"{number:0{pattern.digits}d}".join(pattern.before)
        if lot is not None:
            body = body.replace(f'"lot":"{lot[0]}"', f'"lot":"{lot[1]}"')
        return f'{{"position":{position},{body}"source":{source}"number":{number}}}}}'

    def marked(self, at: datetime, intent: int, did: Sequence[tuple[int, str]]) -> str:
        results = ",".join(
            f'{{"position":{position},"did":"{each}","cause":""}}' for position, each in did
        )
        return f'{self._common(at, "marked")}"intent":{intent},"results":[{results}]}}'

    def verified(
        self,
        at: datetime,
        intent: int,
        position: int,
        pattern: Pattern,
        number: int,
        verdict: str = "good",
    ) -> str:
        before, after = pattern.content
        content = f'"content":{before}{number:0{pattern.digits}d}{after},'
        read = content if verdict != "unreadable" else ""
        return (
            f'{self._common(at, "verified")}{self._of(intent)}"position":{position},'
            f'"device":"{DEVICE}",{read}"symbology":"]d1","grade":"","entry":"device",'
            f'"verdict":"{verdict}","reason":""}}'
        )

    def settled(self, at: datetime, intent: int, position: int, how: str) -> str:
        return (
            f'{self._common(at, "settled")}{self._of(intent)}"position":{position},'
            f'"how":"{how}","reason":"damaged","witnesses":["p-3","p-8"]}}'
        )

    def _of(self, intent: int) -> str:
        return f'"of":{{"gateway":"{self._gateway}","epoch":1,"seq":{intent}}},'

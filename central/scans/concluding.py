"""One scan becomes an event, or is kept with why it does not."""

import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import Connection, func, select

from central import db, schema
from central.errors import GjurmaError
from central.register.acts import By, Work
from central.register.articles import service, symbols
from central.register.articles.models import Scan, ScannedEvent
from central.register.devices.service import DEVICE, is_working
from central.register.places.service import is_active
from central.register.scans.projection import SCAN
from central.register.stock import scanned
from central.said import said
from central.scans.meaning import LEAVES, NoEvent, Scanned, Told, meaning, purpose_of
from gateway.contract.encoding import faults_of
from gateway.contract.record import Record

log = logging.getLogger("central.scans")
PROGRAM = By.program("scans")
_ID = re.compile(r"[0-9A-Z/-]{1,50}")
MOST_STRANGE = 50
"""So many codes that name nothing are kept with a scan; its record has all of them."""


@dataclass(frozen=True)
class Source:
    """Whose scans they are: the entity that tells, and the place where it is, while it may.

    `fault`: why none of them becomes an event.
    """

    gateway: str
    epoch: int
    is_device: bool
    entity: str | None
    place: str | None
    fault: NoEvent | None = None


def source_of(connection: Connection, gateway: str, epoch: int) -> Source:
    """As it is at this moment, which is when the scans reach the register."""
    device = DEVICE.load(connection, gateway)
    if device is not None:
        fault = None
        if not is_working(connection, device):
            what = said("device {gateway}, its place or its entity", gateway=gateway)
            fault = NoEvent("device-inactive", what)
        return Source(gateway, epoch, True, device.entity, device.place, fault)
    place = schema.place
    line = connection.execute(
        select(place.c.code, place.c.entity).where(place.c.gateway == gateway)
    ).one_or_none()
    if line is None:
        what = said("gateway {gateway} works on no line that the register knows", gateway=gateway)
        fault = NoEvent("no-place", what)
        return Source(gateway, epoch, False, None, None, fault)
    fault = None
    if not is_active(connection, line.code):
        what = said("place {place}, what is above it, or its entity", place=line.code)
        fault = NoEvent("place-inactive", what)
    return Source(gateway, epoch, False, line.entity, line.code, fault)


def named(connection: Connection, codes: Collection[str], entity: str | None) -> Mapping[str, str]:
    """By code, the one article that it names. What is well formed and not known names itself; what
    is left out names nothing, or more than one."""
    found = scanned.resolve(connection, codes, entity or "")
    known = {code: each.code for code, each in found.items() if each.marked != "ambiguous"}
    names = {}
    for code, name in known.items():
        symbol = symbols.read(code)
        number = symbol.number if name == symbol.text else name
        if _ID.fullmatch(number):
            names[code] = number
    return names


def conclude(
    connection: Connection, source: Source, seq: int, record: Scanned, names: Mapping[str, str]
) -> None:
    """Keep its event, or why it is none; whatever it holds, the next one is not kept waiting.

    `names`: what its codes name, as `named` gives it.
    """
    try:
        with connection.begin_nested():
            _report(connection, source, seq, record, names)
    except NoEvent as fault:
        refuse(connection, source, seq, record, fault)
    except GjurmaError as error:
        if db.may_pass(error):
            raise
        refuse(connection, source, seq, record, NoEvent(error.code, str(error)))
    except ValidationError as error:
        refuse(connection, source, seq, record, NoEvent("refused", faults_of(error)))
    except Exception as error:
        if db.may_pass(error):
            raise
        log.exception("%s: no event can be made of it", _name(source, seq))
        refuse(connection, source, seq, record, NoEvent("failed", type(error).__name__))


def refuse(
    connection: Connection, source: Source, seq: int, record: Record | None, why: NoEvent
) -> None:
    """An act, as its event would have been one."""
    payload: dict[str, object] = {
        "code": why.code,
        "detail": why.detail[:500],
        "purpose": purpose_of(record),
        "at": None if record is None else record.at,
        "strange": [],
    }
    Work(connection, PROGRAM).act(SCAN, _name(source, seq), "refused", payload)


def _report(
    connection: Connection, source: Source, seq: int, record: Scanned, names: Mapping[str, str]
) -> None:
    if source.fault is not None:
        raise source.fault
    told = meaning(record)
    texts = [*dict.fromkeys(told.codes), *([told.into] if told.into is not None else [])]
    articles = tuple(dict.fromkeys(names[code] for code in told.codes if code in names))
    strange = tuple(code for code in dict.fromkeys(texts) if code not in names)
    if not articles or (told.into is not None and told.into not in names):
        raise NoEvent("unknown-code", "; ".join(map(repr, strange[:3])) or said("there is no code"))
    what = told.what
    if what == "found" and not _are_missed(connection, articles):
        what = "seen"
    place = told.place or (None if what in LEAVES else source.place)
    event = ScannedEvent(
        number=_name(source, seq),
        what=what,
        happened=record.at,
        articles=articles,
        place=place,
        holder=source.entity if what == "received" else None,
        package=None if told.into is None else names[told.into],
        component=_component(connection, told, names),
        consignment=told.consignment,
        counted=told.counted,
        scan=_scan(record, told.purpose, strange),
    )
    service.report(Work(connection, By(PROGRAM.account, PROGRAM.role, source.entity)), event)


def _scan(record: Scanned, purpose: str, strange: tuple[str, ...]) -> Scan:
    return Scan(
        purpose=purpose,
        at=record.at,
        synced=record.clock.synced,
        station=record.station,
        operator=record.operator,
        operator_auth=record.operator_auth,
        device=getattr(record, "device", ""),
        entry=getattr(record, "entry", None),
        wedge=getattr(record, "wedge", None),
        strange=strange[:MOST_STRANGE],
    )


def _are_missed(connection: Connection, articles: tuple[str, ...]) -> bool:
    """Whether the register has all of them as lost or stolen."""
    table = schema.article
    missed = connection.execute(
        select(func.count()).where(
            table.c.code.in_(articles), table.c.disposition.in_(("lost", "stolen"))
        )
    ).scalar_one()
    return missed == len(articles)


def _component(connection: Connection, told: Told, names: Mapping[str, str]) -> str | None:
    """Which component a part is: the record says it, or the part's own symbol."""
    if told.what not in ("assembled", "disassembled"):
        return None
    if told.component is not None:
        return told.component
    symbol = symbols.read(told.codes[0]).component
    whole = names[str(told.into)]
    table, orders, item = schema.product, schema.orders, schema.item
    components = connection.execute(
        select(table.c.components)
        .join(orders, orders.c.product == table.c.code)
        .join(item, item.c.order_code == orders.c.code)
        .where(item.c.uii == whole)
        .limit(1)
    ).scalar_one_or_none()
    for each in components or ():
        if symbol and symbol in (each["symbol"], each["name"]):
            return str(each["name"])
    what = said("neither the record nor the part says which part of {whole}", whole=whole)
    raise NoEvent("no-component", what)


def _name(source: Source, seq: int) -> str:
    return f"{source.gateway}/{source.epoch}/{seq}"

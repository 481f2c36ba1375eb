"""What becomes of each order and of what was made under it, and of what was refused: in time.

Each story yields when something happens and what; all are told together in the order of time, by
the services that people's requests reach too.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, select

from central import schema
from central.alerts import rules as alerting
from central.alerts.facts import Limits, RefusedMark
from central.generate import ground
from central.generate.cast import END, RECEIVERS, acceptance, store_of
from central.generate.past import Past
from central.generate.schedule import Run
from central.register.acts import By, Why
from central.register.alerts import service as alerts
from central.register.articles import service as articles
from central.register.articles.models import NewEvent
from central.register.articles.projection import contents
from central.register.certificates import service as certificates
from central.register.consignments import service as consignments
from central.register.consignments.models import NewConsignment, Resolving
from central.register.consignments.projection import CONSIGNMENT
from central.register.numbers.blocks import BLOCK
from central.register.orders import service as orders
from central.register.orders.models import NewOrder

Deed = Callable[[Past], object]
Step = tuple[datetime, int, Deed]
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
PALLET = 1000
"""Articles at most."""
OF_AN_ORDER = 12
"""One of so many of what an order made is packed and sent."""
CRATE = 50
"""Weapons."""
RECENT = END - 60 * DAY
"""Orders of after that are under way still."""
MOST_REFUSED = 2_000


def tell(
    work: Past,
    engine: Engine,
    runs: Sequence[Run],
    plans: Mapping[str, bytes],
    heard: Callable[[], object],
) -> None:
    """All stories; each step in a transaction of its own. `heard` after each."""
    whole = next((run for run in runs if run.line.tray == 10 and run.parts >= PALLET), None)
    stories = [
        _of_run(
            *(at, run, engine, plans[run.code]),
            PALLET if run is whole else run.parts // OF_AN_ORDER,
        )
        for at, run in enumerate(runs)
    ]
    stories.append(_of_refused(engine, len(runs)))
    for at, _, deed in heapq.merge(*stories, key=lambda step: step[:2]):
        with engine.begin() as connection:
            deed(replace(work, connection=connection, at=at))
        heard()


def _of_run(at: int, run: Run, engine: Engine, plan: bytes, sent: int) -> Iterator[Step]:
    code, line, maker = run.code, run.line, run.line.maker

    def step(when: datetime, deed: Deed) -> Step:
        return when, at, deed

    asked = NewOrder(
        code=code,
        product=line.product.code,
        quantity=run.parts,
        gateways=(run.gateway,),
        job="1",
        licence=f"L-{maker}",
        contents=line.contents,
        lot=run.lot,
        verify=line.verify,
        tray=line.tray,
    )
    yield step(run.begins - 2 * DAY, lambda work: orders.enter(_as(work, maker), asked))
    yield step(run.begins - DAY, lambda work: orders.release(work, code, ground.APPROVED))
    signed = run.begins - HOUR
    yield step(signed, lambda work: ground.issue(work.connection, run, plan, signed))
    if run.ends > RECENT:
        return
    yield step(
        run.ends + HOUR, lambda work: orders.change(work, code, "completed", Why("all are made"))
    )
    accepted = acceptance(f"AC-{code}", line.product.code, run.lot, run.ends + DAY)
    yield step(run.ends + 2 * DAY, lambda work: certificates.issue(work, accepted))
    yield from _sent(at, run, engine, min(PALLET, sent))
    yield step(run.ends + 40 * DAY, lambda work: orders.change(work, code, "closed", Why("done")))
    block = run.block.id
    yield step(run.ends + 40 * DAY + MINUTE, lambda work: work.act(BLOCK, block, "closed"))


def _sent(at: int, run: Run, engine: Engine, count: int) -> Iterator[Step]:
    """A pallet of it is packed, dispatched and received; of some, what is in it is taken out."""
    goods = _good(engine, run, count)
    if not goods:
        return
    maker, recipient = run.line.maker, RECEIVERS[at % len(RECEIVERS)]
    number, pallet = f"CN-{run.code}", _sscc(at, 0)
    crates: dict[str, list[str]] = {}
    when = run.ends + 3 * DAY

    def event(when: datetime, by: str, what: str, articles: Sequence[str], **more: object) -> Step:
        told = NewEvent.model_validate(
            {"number": f"{number}-{when:%y%m%d%H%M}", "what": what, "happened": when}
            | {"articles": tuple(articles), **more}
        )
        return when + MINUTE / 2, at, lambda work: articles_report(_as(work, by), told)

    if run.line.product.kind == "serial":
        crates = {
            _sscc(at, index): goods[first : first + CRATE]
            for index, first in enumerate(range(0, len(goods), CRATE), start=1)
        }
        for index, (crate, inside) in enumerate(crates.items()):
            yield event(when + index * MINUTE, maker, "packed", inside, package=crate)
        yield event(when + 100 * MINUTE, maker, "packed", tuple(crates), package=pallet)
    else:
        yield event(when, maker, "packed", goods, package=pallet)
    asked = NewConsignment.model_validate(
        {
            "number": number,
            "direction": "domestic",
            "sender": maker,
            "recipient": recipient,
            "carrier": "TRANS",
            "planned_dispatch": when + 2 * DAY,
            "planned_arrival": when + 4 * DAY,
            "articles": (pallet,),
        }
    )
    yield when + DAY, at, lambda work: _report(_as(work, maker), asked)
    yield event(when + 2 * DAY, maker, "dispatched", (pallet,), consignment=number)
    there = {"holder": recipient, "place": store_of(recipient), "consignment": number}
    arrived, short = when + 3 * DAY, at % 7 == 3
    named: tuple[str, ...] = (pallet,)
    if short:
        named = (pallet, *crates, *goods[:-2])
    yield event(arrived, recipient, "received", named, counted=short, **there)
    yield arrived + HOUR, at, lambda work: consignments.end_receipt(work, number, Why("all"))
    if short:
        lost = Resolving(articles=tuple(goods[-2:]), resolution="lost", reason="not to be found")
        if at % 2:
            return
        yield arrived + DAY, at, lambda work: consignments.resolve(work, number, lost)
    yield arrived + 2 * DAY, at, lambda work: consignments.close(work, number, Why("settled"))
    if at % 3 == 0 and not short and crates:
        yield from _used(event, arrived + 5 * DAY, recipient, pallet, crates)


def _used(
    event: Callable[..., Step],
    when: datetime,
    holder: str,
    pallet: str,
    crates: dict[str, list[str]],
) -> Iterator[Step]:
    """A crate is opened; its weapons are issued, some repaired, one lost."""
    crate, inside = next(iter(crates.items()))
    store = store_of(holder)
    yield event(when, holder, "unpacked", (crate,), package=pallet)
    yield event(when + HOUR, holder, "unpacked", inside, package=crate)
    yield event(when + 2 * HOUR, holder, "stored", inside, place=store)
    issued = inside[: len(inside) * 3 // 5]
    if issued:
        yield event(when + DAY, holder, "issued", issued)
        yield event(when + 9 * DAY, holder, "sent-for-repair", issued[:3])
        yield event(when + 12 * DAY, holder, "stored", issued[:2], place=store)
        yield event(when + 20 * DAY, holder, "lost", issued[-1:], reason="lost in the field")


def articles_report(work: Past, told: NewEvent) -> object:
    return articles.report(work, told)


def _report(work: Past, asked: NewConsignment) -> object:
    """As the service does, which takes none that was to go in the past."""
    inside = contents(work.connection, asked.articles)
    lines = [{"code": code, "within": None} for code in asked.articles]
    lines += [{"code": code, "within": each.package} for code, each in inside.items()]
    payload = asked.model_dump(mode="json", exclude={"articles"}) | {
        "licence": f"L-{asked.sender}",
        "transport_licence": "L-TRANS",
        "lines": sorted(lines, key=lambda line: str(line["code"])),
    }
    return work.act(CONSIGNMENT, asked.number, "reported", payload)


def _of_refused(engine: Engine, at: int) -> Iterator[Step]:
    """An alert of each; somebody looks at it, and most are settled."""
    limits = Limits(
        fastest_km_h=1000,
        least_seconds_a_number=0,
        gateway_silent_minutes=1000,
        clock_off_seconds=1000,
    )
    with engine.connect() as connection:
        found = _refused(connection)
    for index, (received, mark) in enumerate(found):
        for finding in alerting.judge([mark], limits):
            number = finding.number
            yield received, at, lambda work: alerts.raise_one(work, finding)  # noqa: B023
            if index + 3 >= len(found):
                continue
            why = Why("looked at by the line's foreman")
            yield received + MINUTE, at, lambda work: alerts.acknowledge(work, number, why)  # noqa: B023
            yield received + 2 * MINUTE, at, lambda work: alerts.resolve(work, number, why)  # noqa: B023


def _refused(connection: Connection) -> list[tuple[datetime, RefusedMark]]:
    refusal, stream, batch = schema.refusal, schema.stream, schema.batch
    claim, item = schema.claim, schema.item
    rows = connection.execute(
        select(refusal, stream.c.gateway, batch.c.received, item.c.uii, item.c.duplicated)
        .join(stream, stream.c.id == refusal.c.stream)
        .join(claim, (claim.c.stream == refusal.c.stream) & (claim.c.seq == refusal.c.seq))
        .join(batch, batch.c.id == claim.c.batch)
        .join(item, item.c.id == claim.c.item)
        .order_by(batch.c.id, refusal.c.seq, claim.c.position)
        .limit(MOST_REFUSED)
    ).all()
    found: dict[tuple[int, int], tuple[datetime, RefusedMark]] = {}
    for row in rows:
        doubled = (row.uii,) if row.code == "duplicate" and row.duplicated else ()
        key = (row.stream, row.seq)
        if key in found:
            mark = found[key][1]
            more = replace(mark, uiis=(*mark.uiis, row.uii), doubled=mark.doubled + doubled)
            found[key] = (row.received, more)
        else:
            mark = RefusedMark(row.gateway, 1, row.seq, row.code, row.detail, (row.uii,), doubled)
            found[key] = (row.received, mark)
    return list(found.values())


def _good(engine: Engine, run: Run, count: int) -> list[str]:
    """Numbers of an order that may go, in the order of their UIIs."""
    table = schema.item
    with engine.connect() as connection:
        return list(
            connection.execute(
                select(table.c.uii)
                .where(
                    table.c.order_code == run.code,
                    table.c.state == "good",
                    ~table.c.quarantined,
                    ~table.c.duplicated,
                    ~table.c.disputed,
                    table.c.component == run.order.components[0].name,
                )
                .order_by(table.c.uii)
                .limit(count)
            ).scalars()
        )


def _as(work: Past, entity: str) -> Past:
    return replace(work, by=By(work.by.account, work.by.role, entity))


def _sscc(run: int, index: int) -> str:
    """Of a unit of a run; its last digit is the check digit by GS1."""
    digits = f"3530{run:08d}{index:05d}"
    weighed = sum(int(digit) * (3, 1)[at % 2] for at, digit in enumerate(digits))
    return f"{digits}{(10 - weighed % 10) % 10}"

"""All that the register knows of one thing, on one page: marks, papers, ways, parts and alerts."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, or_, select

from central import schema
from central.errors import NotFound
from central.queries import articles, certificates, consignments, items
from central.queries.articles import COUNTED, ArticleLife
from central.queries.certificates import Acceptance
from central.queries.consignments import ConsignmentRow
from central.queries.models import Answer, ItemLife
from central.register.alerts.rules import Alert
from central.register.certificates.service import CERTIFICATE, Certificate
from central.register.consignments.rules import Consignment
from central.register.subject import no_such

_FITTED = "assembled"
MOST_ALERTS = 200


class Fitting(Answer):
    """A part that was built in, and taken out again where it was. The parts that a weapon was
    marked with are components of its own number, and stand in `item`."""

    component: Annotated[str, Field(examples=["barrel"])]
    part: Annotated[str, Field(description="the article that was built in")]
    fitted: datetime
    fitted_by: Annotated[str, Field(description="the event")]
    removed: datetime | None = None
    removed_by: str | None = None
    replaces: Annotated[
        str | None,
        Field(
            description="what was there before: an article, or the weapon's own number where it"
            " was marked with that component"
        ),
    ] = None


class Moment(Answer):
    """One thing that happened: a record of a gateway, an event, a count, a paper, a consignment,
    an alert; `reference` is the number under which that is found."""

    at: datetime
    told: Annotated[datetime, Field(description="when the register learned of it")]
    kind: Literal["record", "event", "count", "certificate", "consignment", "alert"]
    what: Annotated[str, Field(examples=["verified", "dispatched", "acceptance", "seen-after-end"])]
    reference: Annotated[str, Field(examples=["gramsh.line-2/3/1207", "E-2026-0001"])]
    article: Annotated[str, Field(description="what it befell: the thing itself, or a part of it")]
    by: Annotated[str | None, Field(description="an account, a badge's pseudonym or an issuer")]
    place: Annotated[str | None, Field(description="a place, or the station of a record")] = None
    holder: str | None = None
    verdict: str = "ok"
    remark: str = ""


class Trace(Answer):
    """A thing's whole life. `timeline` is in the order in which things happened, as far as clocks
    can tell."""

    code: str
    item: Annotated[ItemLife | None, Field(description="its marks, each with its proof")]
    article: ArticleLife | None
    fittings: Annotated[list[Fitting], Field(description="parts that were built into it")]
    built_into: Annotated[list[Fitting], Field(description="of a part: `part` is the weapon")]
    acceptance: Acceptance | None
    certificates: list[Certificate]
    consignments: list[ConsignmentRow]
    licence: Annotated[str | None, Field(description="under which its order is released")]
    alerts: Annotated[list[Alert], Field(description=f"the newest first, {MOST_ALERTS} at most")]
    timeline: list[Moment]


def trace(
    connection: Connection,
    code: str,
    *,
    viewer: str | None = None,
    with_consignments: bool = True,
    with_alerts: bool = True,
) -> Trace:
    """`viewer`: an entity, which sees consignments that it takes part in. Raises `NotFound`."""
    item = _item(connection, code)
    article = _article(connection, code)
    if item is None and article is None:
        raise NotFound(no_such("article", code))
    acceptance = None
    if item is not None:
        acceptance = certificates.of_item(connection, code, datetime.now(UTC))
    papers = _papers(connection, acceptance)
    ways = _ways(connection, code, viewer) if with_consignments else []
    alerts = _alerts(connection, code, article) if with_alerts else []
    fittings, fitted = _fittings(connection, schema.event.c.package == code, item)
    of_a_part, _ = _fittings(connection, schema.event_article.c.article == code, None)
    moments = [
        *_of_records(code, item),
        *_of_steps(code, article),
        *fitted,
        *(_of_paper(code, paper) for paper in papers),
        *(_of_way(code, way) for way in ways),
        *(_of_alert(code, alert) for alert in alerts),
    ]
    return Trace(
        code=code,
        item=item,
        article=article,
        fittings=[fitting for _, fitting in fittings],
        built_into=[
            fitting.model_copy(update={"part": weapon, "replaces": None})
            for weapon, fitting in of_a_part
        ],
        acceptance=acceptance,
        certificates=papers,
        consignments=ways,
        licence=_licence(connection, item, article),
        alerts=alerts,
        timeline=sorted(moments, key=lambda moment: (moment.at, moment.told)),
    )


def _item(connection: Connection, code: str) -> ItemLife | None:
    try:
        return items.life(connection, code)
    except NotFound:
        return None


def _article(connection: Connection, code: str) -> ArticleLife | None:
    """None of an item that is not good: it is marked, and no article yet."""
    try:
        return articles.life(connection, code)
    except NotFound:
        return None


def _licence(
    connection: Connection, item: ItemLife | None, article: ArticleLife | None
) -> str | None:
    code = item.order if item else article.article.order_code if article else None
    table = schema.orders
    query = select(table.c.licence).where(table.c.code == code)
    return connection.execute(query).scalar_one_or_none() if code else None


def _papers(connection: Connection, acceptance: Acceptance | None) -> list[Certificate]:
    numbers = acceptance.certificates if acceptance else []
    return [CERTIFICATE.require(connection, number) for number in numbers]


def _ways(connection: Connection, code: str, viewer: str | None) -> list[ConsignmentRow]:
    """The consignments that it was listed in, or found in, in the order of their reports."""
    table = schema.consignment
    wanted = consignments.Wanted(entity=viewer, article=code)
    rows = connection.execute(
        select(table).where(*wanted.conditions()).order_by(table.c.created, table.c.number)
    )
    return [ConsignmentRow.of_now(Consignment.model_validate(row)) for row in rows]


def _alerts(connection: Connection, code: str, article: ArticleLife | None) -> list[Alert]:
    """Those about it, and those about what was told of it."""
    table = schema.alert
    verdicts = {step.event: step.verdict for step in article.history} if article else {}
    rows = connection.execute(
        select(table)
        .where(
            or_(
                (table.c.subject == code) & table.c.about.in_(("item", "article")),
                table.c.subject.in_(verdicts) & (table.c.about == "event"),
            )
        )
        .order_by(table.c.opened.desc())
        .limit(MOST_ALERTS)
    )
    found = [Alert.model_validate(row) for row in rows]
    return [alert for alert in found if _concerns(alert, code, verdicts.get(alert.subject))]


def _concerns(alert: Alert, code: str, verdict: str | None) -> bool:
    """An event may tell of thousands, of which an alert names the first."""
    if alert.about != "event" or verdict != "ok":
        return True
    return alert.rule != "disputed" and (
        code in alert.facts["articles"] or alert.facts["count"] > len(alert.facts["articles"])
    )


def _fittings(
    connection: Connection, condition: ColumnElement[bool], weapon: ItemLife | None
) -> tuple[list[tuple[str, Fitting]], list[Moment]]:
    """Each with the weapon that it was built into, and what was told of the parts."""
    event, found, act = schema.event, schema.event_article, schema.act
    rows = connection.execute(
        select(event, found.c.article.label("part"), found.c.verdict, act.c.account)
        .join(found, found.c.version == event.c.version)
        .join(act, act.c.id == event.c.version)
        .where(condition, event.c.component.is_not(None), ~found.c.within)
        .order_by(event.c.version)
    ).all()
    marked = {each.component for each in weapon.components} if weapon else set()
    last: dict[tuple[str, str], int] = {}
    fittings: list[tuple[str, Fitting]] = []
    for row in rows:
        if row.verdict != "ok":
            continue
        where = (row.package, row.component)
        if row.what == _FITTED:
            replaces = None
            if where in last:
                replaces = fittings[last[where]][1].part
            elif weapon is not None and row.component in marked:
                replaces = weapon.uii
            last[where] = len(fittings)
            fitting = Fitting(
                component=row.component,
                part=row.part,
                fitted=row.happened,
                fitted_by=row.number,
                replaces=replaces,
            )
            fittings.append((row.package, fitting))
        elif where in last:
            _, fitting = fittings[last[where]]
            removed = {"removed": row.happened, "removed_by": row.number}
            fittings[last[where]] = (row.package, fitting.model_copy(update=removed))
    moments = [
        Moment(
            at=row.happened,
            told=row.created,
            kind="event",
            what=row.what,
            reference=row.number,
            article=row.part,
            by=row.account,
            place=row.place,
            holder=row.holder,
            verdict=row.verdict,
            remark=row.reason,
        )
        for row in rows
    ]
    return fittings, moments


def _of_records(code: str, item: ItemLife | None) -> Iterable[Moment]:
    for entry in item.life if item else ():
        key = entry.record
        yield Moment(
            at=entry.at or entry.evidence.received,
            told=entry.evidence.received,
            kind="record",
            what=entry.type,
            reference=f"{key.gateway}/{key.epoch}/{key.seq}",
            article=code,
            by=entry.operator,
            place=entry.station,
            verdict=entry.verdict,
            remark=entry.detail,
        )


def _of_steps(code: str, article: ArticleLife | None) -> Iterable[Moment]:
    for step in article.history if article else ():
        yield Moment(
            at=step.happened,
            told=step.told,
            kind="count" if step.what in COUNTED else "event",
            what=step.what,
            reference=step.event,
            article=code,
            by=step.by,
            place=step.place,
            holder=step.holder,
            verdict=step.verdict,
            remark=step.reason,
        )


def _of_paper(code: str, paper: Certificate) -> Moment:
    return Moment(
        at=paper.issued,
        told=paper.created,
        kind="certificate",
        what=paper.kind,
        reference=paper.number,
        article=code,
        by=paper.institution or paper.issuer,
        remark=paper.reason or paper.remark,
    )


def _of_way(code: str, way: ConsignmentRow) -> Moment:
    return Moment(
        at=way.created,
        told=way.created,
        kind="consignment",
        what="reported",
        reference=way.number,
        article=code,
        by=way.sender or way.carrier,
        remark=f"{way.direction}, licence {way.licence}",
    )


def _of_alert(code: str, alert: Alert) -> Moment:
    return Moment(
        at=alert.raised,
        told=alert.raised,
        kind="alert",
        what=alert.rule,
        reference=alert.number,
        article=code,
        by=None,
    )

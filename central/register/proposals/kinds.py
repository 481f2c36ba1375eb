"""What may be proposed: by kind what is asked for, how it is carried out, and what it rests on."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, func, select

from central import schema
from central.register.acts import Work
from central.register.articles import service as articles
from central.register.articles.models import NewEvent, Settlement
from central.register.articles.projection import contents
from central.register.asked import WithReason
from central.register.exclusions import screening
from central.register.exclusions import service as exclusions
from central.register.exclusions.models import (
    AmendedExclusion,
    Decision,
    DescribedExclusion,
    EnteredExclusion,
)
from central.register.exclusions.rules import EXCLUSION, SCREENING
from central.register.gateways import disputes
from central.register.gateways import service as gateways
from central.register.gateways.models import ForkSettlement
from central.register.inspections.service import INSPECTION
from central.register.licences import service as licences
from central.register.licences.service import LICENCE
from central.register.proposals.models import Effect, ProposalKind
from central.register.sanctions import service as sanctions
from central.register.sanctions.models import NewSanction
from central.register.subject import Row, Subject
from central.said import Said, Word, said

Asked: TypeAlias = (
    EnteredExclusion
    | AmendedExclusion
    | Decision
    | NewSanction
    | NewEvent
    | Settlement
    | ForkSettlement
    | WithReason
)
"""What is asked for, each with `reason` and `basis`."""
Version: TypeAlias = tuple[Said, int]
"""What something is called, and the act that changed it last."""


@dataclass(frozen=True)
class Kind:
    """`asked`: the form of what is asked for. `carry_out` does it by the register's own rules and
    says what that did; `rests_on` is what somebody looked at who decides it."""

    name: ProposalKind
    asked: type[Any]
    carry_out: Callable[[Work, str, Any], Effect]
    rests_on: Callable[[Connection, str, Any], Iterable[Version]]


# --- carrying it out ----------------------------------------------------------------------------


def _revoke(work: Work, number: str, asked: WithReason) -> Effect:
    licences.revoke(work, number, asked.why)
    return Effect(licences=(number,))


def _enter(work: Work, number: str, asked: EnteredExclusion) -> Effect:
    exclusions.enter(work, asked, asked.why)
    return Effect(entities=exclusions.excluded_by(work.connection, number, asked))


def _amend(work: Work, number: str, asked: AmendedExclusion) -> Effect:
    exclusions.amend(work, number, asked, asked.why)
    return Effect(entities=exclusions.excluded_by(work.connection, number, asked))


def _same(work: Work, pair: str, asked: Decision) -> Effect:
    entity, exclusion = pair.split("/", 1)
    screening.decide(work, entity, exclusion, asked.verdict, asked.why)
    return Effect(entities=(entity,))


def _impose(work: Work, _: str, asked: NewSanction) -> Effect:
    sanction = sanctions.impose(work, asked)
    excluded = (asked.entity,) if asked.kind == "exclusion" else ()
    return Effect(licences=sanction.licences, entities=excluded)


def _destroy(work: Work, _: str, asked: NewEvent) -> Effect:
    told = articles.report(work, asked)
    return Effect(articles=told.articles, flagged=told.flagged)


def _settle(work: Work, code: str, asked: Settlement) -> Effect:
    articles.settle(work, code, asked)
    return Effect(articles=1, flagged=0)


def _settle_fork(work: Work, name: str, asked: ForkSettlement) -> Effect:
    settled = gateways.settle_fork(work, name, asked)
    return Effect(articles=len(settled), flagged=sum(each.found == "two" for each in settled))


# --- what it rests on ---------------------------------------------------------------------------


def _one(subject: Subject[Any], connection: Connection, key: str) -> Iterable[Version]:
    state: Row | None = subject.load(connection, key)
    return [] if state is None else [(_named(subject.name, key), state.version)]


def _licence(connection: Connection, number: str, _: WithReason) -> Iterable[Version]:
    return _one(LICENCE, connection, number)


def _described(connection: Connection, number: str, asked: DescribedExclusion) -> Iterable[Version]:
    yield from _one(EXCLUSION, connection, number)
    table = schema.entity
    codes = exclusions.excluded_by(connection, number, asked)
    yield from _versions(connection, "entity", table.c.code, table.c.code.in_(codes))


def _pair(connection: Connection, pair: str, _: Decision) -> Iterable[Version]:
    entity, exclusion = pair.split("/", 1)
    yield from _one(SCREENING, connection, pair)
    yield from _one(EXCLUSION, connection, exclusion)
    yield from _versions(connection, "entity", schema.entity.c.code, schema.entity.c.code == entity)


def _sanctioned(connection: Connection, _: str, asked: NewSanction) -> Iterable[Version]:
    entity, licence = schema.entity, schema.licence
    yield from _versions(connection, "entity", entity.c.code, entity.c.code == asked.entity)
    theirs = licence.c.entity == asked.entity
    if asked.licences:
        theirs &= licence.c.number.in_(asked.licences)
    yield from _versions(connection, "licence", licence.c.number, theirs)
    if asked.inspection is not None:
        yield from _one(INSPECTION, connection, asked.inspection)


def _articles(connection: Connection, _: str, asked: NewEvent) -> Iterable[Version]:
    known = articles.known_of(connection, asked.articles)
    for code, article in (known | contents(connection, list(known))).items():
        yield _named("article", code), article.version


def _article(connection: Connection, code: str, _: Settlement) -> Iterable[Version]:
    known = articles.known_of(connection, [code]).values()
    return [(_named("article", code), article.version) for article in known]


def _fork(connection: Connection, name: str, _: ForkSettlement) -> Iterable[Version]:
    act = schema.act
    newest = connection.execute(
        select(func.max(act.c.id)).where(
            act.c.subject == "gateway",
            act.c.key == name,
            act.c.what.in_((disputes.DISPUTED, disputes.SETTLED)),
        )
    ).scalar_one()
    return [] if newest is None else [(_named("gateway", name), newest)]


def _versions(connection: Connection, what: str, key: Any, condition: Any) -> Iterable[Version]:
    rows = connection.execute(select(key, key.table.c.version).where(condition))
    return [(_named(what, name), version) for name, version in rows]


def _named(subject: str, key: str) -> Said:
    return said("{subject} {key}", subject=Word(subject, "subject"), key=key)


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("licence-revocation", WithReason, _revoke, _licence),
        Kind("exclusion", EnteredExclusion, _enter, _described),
        Kind("exclusion-amendment", AmendedExclusion, _amend, _described),
        Kind("exclusion-by-name", Decision, _same, _pair),
        Kind("sanction", NewSanction, _impose, _sanctioned),
        Kind("destruction", NewEvent, _destroy, _articles),
        Kind("settlement", Settlement, _settle, _article),
        Kind("fork-settlement", ForkSettlement, _settle_fork, _fork),
    )
}

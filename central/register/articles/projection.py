"""How an event's act becomes rows: the event, what it found of each article, the articles."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from central import schema
from central.errors import Conflict
from central.register.acts import Act
from central.register.articles import rules
from central.register.articles.models import Verdict
from central.register.articles.rules import Article, Event
from central.register.articles.tree import below
from central.register.consignments.projection import follow
from central.register.scans import projection as scans
from central.register.subject import Row, Subject, held
from central.said import Word, said


class Reported(Row):
    """An event as the register keeps it. `articles`: how many it befell, those that lie in packages
    included; `flagged`: of how many it cannot be true."""

    number: str
    what: str
    happened: datetime
    reporter: str | None
    place: str | None
    holder: str | None
    package: str | None
    component: str | None
    consignment: str | None
    document: str | None
    reason: str
    articles: int
    flagged: int
    created: datetime


class _Events:
    name = "event"

    def lock(self, connection: Connection, key: str, expected: frozenset[int]) -> None:
        """An event is told once."""
        table = schema.event
        if connection.execute(select(table.c.number).where(table.c.number == key)).first():
            raise Conflict(
                said("{subject} {key} exists already", subject=Word("event", "subject"), key=key)
            )

    def project(self, connection: Connection, act: Act) -> Reported:
        """What it befell is judged one article at a time; nothing that was told is left out."""
        scene = _Scene.of(connection, act)
        found = {code: scene.verdict(code) for code in scene.concerned}
        if scene.consignment is not None:
            found = follow(connection, act, scene.event.what, found)
        _save(connection, scene.moved(found))
        kept = scene.kept(found)
        connection.execute(insert(schema.event).values(kept.model_dump()))
        connection.execute(insert(schema.event_article), scene.rows(found))
        scans.follow(connection, act, kept.flagged)
        return kept


EVENT = _Events()


@dataclass(frozen=True)
class _Scene:
    """What an event tells of. `known`: the named articles and the package; `inside`: what lies in
    the named ones."""

    act: Act
    event: Event
    named: Collection[str]
    known: Mapping[str, Article]
    inside: Mapping[str, Article]

    @classmethod
    def of(cls, connection: Connection, act: Act) -> "_Scene":
        told = act.payload
        event = Event(
            told["what"],
            datetime.fromisoformat(told["happened"]),
            act.id,
            told["reporter"],
            told["place"],
            told["holder"],
            told["package"],
            told["component"],
            believed="recipients" not in told,
        )
        named = dict.fromkeys(told["articles"])  # in their order, and each found at once
        known = _locked(connection, {*named, *([event.package] if event.package else [])})
        for code, born in told["born"].items():
            known.setdefault(code, Article.model_validate(born | {"version": act.id}))
        inside = contents(connection, [code for code in named if code in known])
        return cls(act, event, named, known, inside)

    @property
    def concerned(self) -> Sequence[str]:
        """Each article that it befell, as it was told."""
        return [*self.named, *sorted(self.inside.keys() - set(self.named))]

    @property
    def consignment(self) -> str | None:
        """Acts from before there were any name none."""
        return self.act.payload.get("consignment")

    @property
    def package(self) -> Article | None:
        """What things are put into."""
        if self.event.what not in rules.PUT_IN:
            return None
        return self.known.get(str(self.event.package))

    def article(self, code: str) -> Article | None:
        return self.inside.get(code) or self.known.get(code)

    def verdict(self, code: str) -> Verdict:
        article = self.article(code)
        if article is None:
            return "unknown-article"
        if self._counted and not self._is_there(article):
            return "missing"
        if code in self.act.payload["doubtful"]:
            return "not-good"
        if self.event.what in rules.PUT_IN and code in self.named:
            fault = self._not_into(article)
            if fault is not None:
                return fault
        within = code in self.inside and code not in self.named
        if self._counted and code in self.named:
            package = self.article(str(article.package))
            within = package is not None and self._is_there(package)
        told = self.act.payload
        return rules.judge(
            *(article, self.event),
            within=within,
            accepted=code not in told["unaccepted"],
            barred=code in told.get("barred", ()),
            recipient=told.get("recipients", {}).get(code),
        )

    @property
    def _counted(self) -> bool:
        return bool(self.act.payload.get("counted"))

    def _is_there(self, article: Article) -> bool:
        """Where packages were opened: it was named, or is a part of what was."""
        if article.code in self.named:
            return True
        whole = None if article.component is None else self.article(str(article.package))
        return whole is not None and self._is_there(whole)

    def _not_into(self, article: Article) -> Verdict | None:
        """Why it cannot have been put into the package, or the weapon."""
        package = self.package
        if package is None:
            return "not-held" if self.act.payload.get("reserved") else "unknown-article"
        if package.code == article.code or package.code in self.inside:
            return "package-in-itself"
        if package.disposition not in rules.PUT_IN[self.event.what]:
            return "illegal-step"
        if package.holder != article.holder:
            return "not-held"
        if self.event.what == "assembled":
            if self.event.component not in self.act.payload["components"]:
                return "not-a-component"
            if self.event.component in self.act.payload["taken"]:
                return "component-taken"
        return None

    def moved(self, found: Mapping[str, Verdict]) -> Iterable[Article]:
        """The articles that are written: the package first, which the others name."""
        package = self.package
        told = self.event.believed or "ok" in found.values()
        if package is not None and (told or package.version != self.act.id):
            yield package  # a new one begins with what was truly put into it
        for code, verdict in found.items():
            article = self.article(code)
            if article is None:
                continue
            if verdict == "missing":
                opened = article.package in self.named
                yield rules.missing(article, self.event, opened=opened)
                continue
            if verdict != "ok":
                yield rules.disputed(article, self.event)
                continue
            after = rules.after(article, self.event, within=code not in self.named)
            if package is not None:  # what is inside follows its parent
                after = after.model_copy(
                    update={"place": package.place, "disposition": package.disposition}
                )
            yield after

    def kept(self, found: Mapping[str, Verdict]) -> Reported:
        event, act = self.event, self.act
        return Reported(
            number=act.key,
            what=event.what,
            happened=event.happened,
            reporter=event.reporter,
            place=event.place,
            holder=event.holder,
            package=event.package,
            component=event.component,
            consignment=self.consignment,
            document=act.payload["document"],
            reason=act.reason,
            articles=len(found),
            flagged=sum(verdict != "ok" for verdict in found.values()),
            created=act.at,
            version=act.id,
        )

    def rows(self, found: Mapping[str, Verdict]) -> list[dict[str, Any]]:
        """What it found of each."""
        _, target = rules.STEPS[self.event.what]
        package = self.package
        rows = []
        for code, verdict in found.items():
            article = self.article(code)
            before = article.disposition if article is not None else ""
            after = target or (package.disposition if package is not None else before)
            rows.append(
                {
                    "article": code,
                    "version": self.act.id,
                    "event": self.act.key,
                    "within": code not in self.named,
                    "verdict": verdict,
                    "before": before,
                    "after": after if verdict == "ok" else before,
                }
            )
        return rows


def _locked(connection: Connection, codes: Collection[str]) -> dict[str, Article]:
    """In the order of their codes, so that two events never wait for each other in a ring."""
    table = schema.article
    rows = connection.execute(
        select(table)
        .where(table.c.code.in_(list(codes)))
        .order_by(table.c.code)
        .with_for_update(key_share=True)
    )
    return {row.code: Article.model_validate(row) for row in rows}


def contents(connection: Connection, units: Collection[str]) -> dict[str, Article]:
    """All that lies in these, however deep; nobody else acts on it until the transaction ends."""
    table = schema.article
    rows = connection.execute(
        select(table)
        .where(table.c.code.in_(select(below(units).c.code)))
        .order_by(table.c.code)
        .with_for_update(key_share=True)
    )
    return {row.code: Article.model_validate(row) for row in rows}


def _save(connection: Connection, articles: Iterable[Article]) -> None:
    table = schema.article
    rows = [article.model_dump() for article in articles]
    if not rows:
        return
    statement = insert(table)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["code"],
            set_={
                column.name: statement.excluded[column.name]
                for column in table.columns
                if column.name != "code"
            },
        ),
        rows,
    )


def settled(state: Article | None, act: Act) -> Article:
    """What a person found to be true ends the dispute. Raises `NotFound` or `Conflict`."""
    article = held("article", state, act)
    if not article.disputed:
        raise Conflict(said("article {code} is not in dispute", code=act.key))
    return article.model_copy(
        update={**act.payload, "disputed": False, "since": act.at, "version": act.id}
    )


ARTICLE = Subject("article", schema.article, Article, settled)

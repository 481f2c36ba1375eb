"""Fills an empty register: what stands before, marks by several workers, and their stories."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.queues import Queue
from queue import Empty
from typing import Any

from sqlalchemy import Connection, Engine, text

from central import db, keys, schema
from central.config import Config
from central.errors import GjurmaError
from central.generate import ground, marks, stock, stories
from central.generate.marks import Ended, Site
from central.generate.past import Past
from central.generate.schedule import schedule
from central.register.acts import By, Work
from central.register.imports import service as imports
from central.register.numbers import service as numbers
from central.register.numbers.guard import Guard, GuardFile, Kept

STOCK = 50
"""One legacy article for so many marks."""
POLL_S = 1.0
_FOLLOWING = (
    "UPDATE number_space n SET next ="
    " greatest(next, (SELECT max(upper(span)) FROM block WHERE space = n.name))"
)
Telling = Callable[[str], object]


class NotEmpty(GjurmaError):
    """There is something in the register, and what is made up must not stand beside it."""

    code = "register-not-empty"


@dataclass(frozen=True)
class Generated:
    """What was written."""

    seed: int
    marks: int
    batches: int
    orders: int
    acts: int
    articles: int


def generate(
    config: Config, marks_wanted: int, seed: int, workers: int, tell: Telling
) -> Generated:
    """About so many marks, in whole trays. Raises `NotEmpty`.

    Broken off, it leaves a register that is not empty: begin with a new database.
    """
    owner, engine = db.owner_engine(config), db.make_engine(config)
    signing = keys.load(config.keys.dir, "plan")
    try:
        with engine.begin() as connection:
            _require_empty(connection, config)
            work = Past(connection, By.program("generate"), basis=f"generated, seed {seed}")
            ground.lay(work, seed)
            incarnation = ground.incarnation(connection)
            of = ground.streams(connection)
        runs = schedule(marks_wanted, first_batch=1)
        public = keys.load_public(config.keys.dir)
        plans = {run.code: ground.signed_plan(run, incarnation, signing, public) for run in runs}
        sites = [
            Site(name, stream, tuple((r, plans[r.code]) for r in runs if r.gateway == name))
            for name, stream in of.items()
            if any(run.gateway == name for run in runs)
        ]
        ended = _marks(config, seed, sites, workers, tell)
        with engine.begin() as connection:
            _end_streams(connection, ended)
        with owner.begin() as connection:
            _go_on(connection, "item", "batch")
        _statistics(owner)
        tell("telling what became of them")
        stories.tell(work, engine, runs, plans, _Every(tell, "steps"))
        with engine.begin() as connection:
            connection.execute(text(_FOLLOWING))
            following = numbers.following(connection)
        Guard(GuardFile(config.plan.guard)).write(Kept(following))
        tell("taking in the stock of before")
        _stock(engine, work, marks_wanted // STOCK)
        with owner.begin() as connection:
            connection.execute(
                text(
                    "UPDATE watched SET position = CASE source WHEN 'act' THEN"
                    " (SELECT max(id) FROM act) ELSE (SELECT max(id) FROM batch) END"
                )
            )
        _statistics(owner)
        with engine.connect() as connection:
            return _told(connection, seed)
    finally:
        owner.dispose()
        engine.dispose()


def _require_empty(connection: Connection, config: Config) -> None:
    holds = _one(
        connection,
        "SELECT EXISTS (SELECT FROM act WHERE subject <> 'register') OR EXISTS (SELECT FROM plan)"
        " OR EXISTS (SELECT FROM batch) OR EXISTS (SELECT FROM evidence)",
    )
    if holds:
        raise NotEmpty("the register holds something already: generate into a new database")
    if GuardFile(config.plan.guard).read() is not None:
        raise NotEmpty(f"{config.plan.guard} says that numbers were issued: use a new state folder")


def _marks(
    config: Config, seed: int, sites: Sequence[Site], workers: int, tell: Telling
) -> list[Ended]:
    """By several processes, each with its share of the gateways."""
    by_size = sorted(sites, key=lambda site: -sum(run.parts for run, _ in site.runs))
    shares = [share for at in range(workers) if (share := by_size[at::workers])]
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(len(shares), context) as pool:
        heard: Any = manager.Queue()
        futures = [pool.submit(_worker, config, seed, share, heard) for share in shares]
        done, counter = 0, _Every(tell, "marks")
        while wait(futures, timeout=POLL_S).not_done or not heard.empty():
            if any(future.done() and future.exception() for future in futures):
                break
            while True:
                try:
                    count = heard.get_nowait()
                except Empty:
                    break
                counter(count)
                done += count
        return [each for future in futures for each in future.result()]


def _worker(config: Config, seed: int, sites: Sequence[Site], heard: "Queue[int]") -> list[Ended]:
    return marks.write(config, seed, sites, heard.put)


def _end_streams(connection: Connection, ended: Sequence[Ended]) -> None:
    table = schema.stream
    for each in ended:
        connection.execute(
            table.update()
            .where(table.c.id == each.stream)
            .values(
                committed=each.committed,
                head=each.head,
                boot_counter=each.boot.counter,
                boot_nonce=each.boot.nonce,
                plan_incarnation=each.plan[0],
                plan_version=each.plan[1],
            )
        )


def _stock(engine: Engine, work: Past, count: int) -> None:
    @contextmanager
    def transactions() -> Iterator[Work]:
        with engine.begin() as connection:
            yield Past(connection, work.by, at=stock.AT, basis=work.basis)

    for asked, file in stock.files(count):
        imports.run(transactions, asked, file)


def _go_on(connection: Connection, *tables: str) -> None:
    """The next row takes the next number."""
    for name in tables:
        connection.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{name}', 'id'),"  # noqa: S608 - our own
                f" (SELECT max(id) FROM {name}))"
            )
        )


def _statistics(owner: Engine) -> None:
    """As autovacuum would have gathered them while it grew."""
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))


def _told(connection: Connection, seed: int) -> Generated:
    counts = {
        name: int(_one(connection, f"SELECT count(*) FROM {table}"))  # noqa: S608 - our own
        for name, table in (
            ("marks", "item"),
            ("batches", "batch"),
            ("orders", "orders"),
            ("acts", "act"),
            ("articles", "article"),
        )
    }
    return Generated(seed=seed, **counts)


def _one(connection: Connection, query: str) -> Any:
    return connection.execute(text(query)).scalar_one()


class _Every:
    """Tells of a count now and then."""

    def __init__(self, tell: Telling, what: str) -> None:
        self._tell, self._what = tell, what
        self._count = self._told = 0

    def __call__(self, more: int = 1) -> None:
        self._count += more
        if self._count >= self._told + max(1000, self._told // 4):
            self._told = self._count
            self._tell(f"{self._count:,} {self._what}")

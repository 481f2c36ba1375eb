"""The real store on PostgreSQL behind the methods of `tests.central.memory.Register`.

No broker and no worker: a message is a call and a transaction, with the caller's time. What the
plan process would add for a plan (its order, product, licence and blocks) is entered with the plan.

    with database() as url:                      # one embedded PostgreSQL, migrated
        with Store(url, receipt_key) as store:   # emptied
            store.enrol("gramsh.line-1", public)
            store.put_plan(payload)
            receipt = store.records("gramsh.line-1", batch, now)
            assert differences(of_register(register), of_database(store.connection)) == []
"""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.range import Range
from sqlalchemy import Connection, create_engine

from central import embedded
from central.ingest import intake, receipts, states
from central.ingest.salvage import take
from central.keys import plan_keys
from central.reconcile.judging import judge_again
from central.reconcile.rebuild import Rebuilt, rebuild
from central.register.acts import CARRIED_OVER, By, Work
from central.register.entities import service as entities
from central.register.entities.models import NewEntity
from central.register.gateways.models import Enrolment, NewInvitation
from central.register.gateways.restore import declare
from central.register.gateways.service import enrol, invite
from central.register.incarnation import REGISTER, prove_older
from central.register.licences import service as licences
from central.register.licences.models import NewLicence
from central.register.numbers import service as numbers
from central.register.numbers.spaces import SPACE
from central.register.orders.service import ORDER
from central.register.products.service import PRODUCT
from gateway.contract.plan import CentralKey, Plan, PlanOrder
from gateway.contract.signed import SigningKey, take_apart
from tests.central.memory import Enrolled
from tests.support import clusters

_TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
)


NOT_BEFORE, NOT_AFTER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@contextmanager
def database() -> Iterator[str]:
    """A migrated database of its own."""
    folder = clusters.state_folder()
    try:
        yield clusters.start(folder / "pg")
    finally:
        embedded.stop(folder / "pg", immediate=True)
        shutil.rmtree(folder)


class Store:
    """One register, in the database of `url`, which is emptied first."""

    def __init__(
        self,
        url: str,
        key: SigningKey,
        incarnation: int = 1790000000,
        keys: tuple[CentralKey, ...] = (),
    ) -> None:
        self._url = url
        self._name = str(conninfo_to_dict(url)["dbname"])
        self._key = key
        self._keys = keys
        self._plan_keys = plan_keys(keys)
        with psycopg.connect(url, autocommit=True) as owner:
            names = [sql.Identifier(name) for (name,) in owner.execute(_TABLES).fetchall()]
            owner.execute(
                sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(sql.SQL(", ").join(names))
            )
        self._connect()
        with self._working() as work:
            settings = {"incarnation": str(incarnation), "restored": "false"}
            work.act(REGISTER, "", CARRIED_OVER, settings)
            entities.add(work, NewEntity(code="UMG", name="Uzina Mekanike"))
            times = {"valid_from": NOT_BEFORE, "valid_until": NOT_AFTER}
            licences.issue(work, NewLicence(number="L-1", entity="UMG", **times))

    def _connect(self) -> None:
        self.connection = psycopg.connect(self._url, autocommit=True)
        self.connection.execute("SET ROLE gjurma_app")
        self._engine = create_engine(clusters.dialect(self._url))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()
        self._engine.dispose()

    @contextmanager
    def _working(self) -> Iterator[Work]:
        with self._engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL ROLE gjurma_app")
            yield Work(connection, By.program("test"))

    def enrol(self, gateway: str, public: bytes) -> Enrolled:
        """By the real service, invitation included."""
        with self._working() as work:
            code = invite(work, NewInvitation(gateway=gateway)).code
            asked = Enrolment(code=code, gateway=gateway, public=public.hex(), reason="new")
            told = enrol(work, asked, ())
        head = bytes.fromhex(told.previous_head)
        return Enrolled(gateway, told.epoch, head, told.incarnation)

    def declare_restore(self, now: datetime) -> int:
        with self._working() as work:
            return declare(work, now)

    def prove_older(self, why: str) -> None:
        """As the plan process does where its guard has seen more."""
        with self._working() as work:
            prove_older(work, why)

    def salvage(self, payload: bytes) -> int:
        """By the real service; how many records are new."""
        with self._working() as work:
            return take(work, payload, "a byte was flipped", self._plan_keys).records

    def may_issue(self) -> bool:
        """As the plan process asks before it issues numbers."""
        with self._working() as work:
            return numbers.may_issue(work)

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection as a page has it."""
        return self._engine.connect()

    def rebuilt(self) -> Rebuilt:
        """The register once more from its acts, plans and batches."""
        with self._engine.connect() as connection, connection.begin() as transaction:
            found = rebuild(connection, self._keys)
            transaction.rollback()
        return found

    def put_plan(self, payload: bytes) -> Plan:
        plan = Plan.from_line(take_apart("plan", payload).line)
        with self._working() as work:
            for order in plan.orders:
                space = next((b.space for b in plan.blocks if b.order == order.id), order.product)
                _enter_order(work, order, space)
        with self.connection.transaction():
            self.connection.execute(
                "INSERT INTO plan (gateway, incarnation, version, epoch, body)"
                " VALUES (%s, %s, %s, %s, %s)",
                (plan.gateway, *plan.which.key(), plan.epoch, payload),
            )
            for block in plan.blocks:
                fresh = self.connection.execute(
                    "INSERT INTO block (id, space, span, stream, order_code, plan_incarnation,"
                    " plan_version) SELECT %s, %s, %s, id, %s, %s, %s FROM stream"
                    " WHERE gateway = %s AND epoch = %s ON CONFLICT (id) DO NOTHING",
                    (
                        *(block.id, block.space, Range(block.start, block.end + 1), block.order),
                        *(*plan.which.key(), plan.gateway, plan.epoch),
                    ),
                )
                if fresh.rowcount:
                    self.connection.execute(
                        "UPDATE number_space SET next = greatest(next, %s) WHERE name = %s",
                        (block.end + 1, block.space),
                    )
        return plan

    def records(self, gateway: str, payload: bytes, now: datetime, fault: str = "") -> bytes | None:
        """As an ingest worker does with one message; `fault`: why it cannot be judged."""

        def work(found: str) -> bytes | None:
            keys, why = self._plan_keys, fault or found
            asked = intake.take(self.connection, gateway, payload, now, keys, why)
            if asked is None:
                return None
            return receipts.signed_receipt(self.connection, self._key, gateway, *asked, now)

        return intake.alone(self.connection, work, lambda: gateway, payload)

    def judge_again(self) -> None:
        """By the real command, as the database's owner."""
        with self._engine.connect() as connection:
            connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                judge_again(Work(connection, By.command()), "mended", self._keys)

    def state(self, gateway: str, payload: bytes, now: datetime) -> bytes | None:
        with self.connection.transaction():
            asked = states.heard(self.connection, gateway, payload, now, self._key)
            if asked is None:
                return None
            return receipts.signed_receipt(self.connection, self._key, gateway, *asked, now)

    def back_up(self, name: str) -> None:
        """Keep a copy of the whole database, over an older one of that name."""
        self._swap(name, self._name)

    def restore(self, name: str) -> None:
        """Put a copy in the place of the database. The copy stays."""
        self._swap(self._name, name)

    def _swap(self, to: str, source: str) -> None:
        self.close()
        admin = make_conninfo(self._url, dbname="template1")
        with psycopg.connect(admin, autocommit=True) as owner:
            for statement in ("DROP DATABASE IF EXISTS {}", "CREATE DATABASE {} TEMPLATE {}"):
                names = [sql.Identifier(to), sql.Identifier(source)]
                owner.execute(sql.SQL(statement).format(*names[: statement.count("{}")]))
        self._connect()


def _enter_order(work: Work, order: PlanOrder, space: str) -> None:
    """As a plan tells of it, which need not be all that another gateway's plan tells."""
    fields = order.model_dump(mode="json")
    if not numbers.following(work.connection, [space]):
        work.act(SPACE, space, "opened")
    if PRODUCT.load(work.connection, order.product) is None:
        same = {"kind": order.kind, "components": fields["components"]}
        what = {"code": order.product, "entity": "UMG", "model": order.product, "calibre": ""}
        shape = {"template": fields["template"], "space": space, "tray": None}
        work.act(PRODUCT, order.product, "entered", what | same | shape)
    known = ORDER.load(work.connection, order.id)
    if known is not None and known.components == fields["components"]:
        return
    taken = ("kind", "quantity", "contents", "lot", "job", "template", "components", "verify")
    work.act(
        ORDER,
        order.id,
        CARRIED_OVER,
        {name: fields[name] for name in taken}
        | {"code": order.id, "product": order.product, "licence": "L-1", "members": []}
        | {"expect": fields["expect"], "tray": None, "state": "released", "reason": ""}
        | {"created": NOT_BEFORE},
    )

"""Programs of which one is at work: a second one waits, and one whose lock is gone stops."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from central import db, following, keys
from central.alerts import look, outbox, process
from central.alerts.facts import ForkedJournal, OlderRegister, Overdue, Told
from central.alerts.outbox import Delivery
from central.alerts.process import Watch
from central.alerts.sending import Sender
from central.config import Broker, Config, Database, Keys
from central.following import ensure_alone, follow
from central.ingest import consumer
from central.ingest.consumer import Worker
from central.plan.process import PlanProcess
from central.register.alerts.models import Finding
from central.scans import concluding
from central.scans import process as scans
from central.scans.meaning import NoEvent, Scanned
from central.scans.process import Behind, Scans
from gateway.contract.signed import SigningKey
from tests.support import clusters
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
LOG = logging.getLogger("central.alerts")
FINDING = Finding("gateway-silent", "warning", "gateway", "gramsh.line-1", "1", {"since": "now"})


@pytest.fixture(scope="module")
def config() -> Iterator[Config]:
    with clusters.fresh_database() as url:
        yield Config(
            database=Database(url=url),
            broker=Broker(url="mqtt://127.0.0.1:1"),
            keys=Keys(dir=Path("keys")),
        )


@pytest.fixture(scope="module")
def engine(config: Config) -> Iterator[Engine]:
    with db.disposing(db.make_engine(config)) as engine:
        yield engine


@pytest.fixture
def watch(config: Config) -> Iterator[Watch]:
    watch = Watch(config, SigningKey.new())
    yield watch
    watch.close()


def end_session(config: Config, pid: int) -> None:
    """As the database's owner."""
    with psycopg.connect(config.database.url, autocommit=True) as owner:
        owner.execute("SELECT pg_terminate_backend(%s)", (pid,))


def test_the_second_of_two_watches_sends_nothing(
    config: Config,
    engine: Engine,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(following, "RETRY_S", 0.02)
    monkeypatch.setattr("central.alerts.sending.EVERY_S", 0.02)
    sent: list[int] = []
    beginning, released = threading.Event(), threading.Event()

    def send(_sender: Sender, delivery: Delivery) -> str:
        sent.append(delivery.id)
        beginning.set()
        assert released.wait(30)
        return "taken"

    monkeypatch.setattr(Sender, "_send", send)
    watch._raise_some([FINDING], {})
    with engine.begin() as connection:
        address = ("webhook", "ministry")
        outbox.enter(connection, FINDING.number, "raised", [address], datetime.now(UTC))
    senders = [Sender(config, engine, SigningKey.new()) for _ in range(2)]
    threads = [threading.Thread(target=sender.run, daemon=True) for sender in senders]
    threads[0].start()
    assert beginning.wait(30)
    threads[1].start()
    wait_for("the second", lambda: len(sent) > 1 or "is at work; waiting" in caplog.text, 20)
    released.set()
    done = text("SELECT count(*) FROM delivery WHERE sent IS NOT NULL")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        wait_for("word of it", lambda: connection.execute(done).scalar_one() == 1, 20)
    for sender, thread in zip(senders, threads, strict=True):
        sender.stop()
        thread.join(30)
    assert len(sent) == 1
    assert "the database is away" not in caplog.text


def test_word_that_the_database_refuses_for_ever_holds_up_no_other(
    config: Config, engine: Engine, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []

    def send(_sender: Sender, delivery: Delivery) -> str:
        if not sent:
            sent.append(delivery.id)
            raise limit_exceeded()
        sent.append(delivery.id)
        return "taken"

    monkeypatch.setattr(Sender, "_send", send)
    finding = replace(FINDING, subject="gramsh.line-3")
    watch._raise_some([finding], {})
    with engine.begin() as connection:
        addresses = [("webhook", "ministry"), ("webhook", "army")]
        outbox.enter(connection, finding.number, "raised", addresses, datetime.now(UTC))
    with db.connect(config, autocommit=True) as alone:
        Sender(config, engine, SigningKey.new())._send_due(alone)
    assert len(sent) == 2
    with engine.connect() as connection:
        answer = text("SELECT answer FROM delivery_attempt WHERE delivery = :delivery")
        told = connection.execute(answer, {"delivery": sent[0]}).scalar_one()
    assert "ProgramLimitExceeded" in told


def test_a_plan_that_the_database_refuses_for_ever_holds_up_no_other(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    compiled: list[str] = []

    def compile_one(_plans: PlanProcess, gateway: str) -> None:
        compiled.append(gateway)
        if gateway == "a.line":
            raise limit_exceeded()

    monkeypatch.setattr(keys, "load_public", lambda _folder: ())
    monkeypatch.setattr(PlanProcess, "_compile", compile_one)
    plans = PlanProcess(config, SigningKey.new())
    try:
        plans.compile_all(["a.line", "b.line"])
        plans.compile_all(["a.line", "b.line"])
    finally:
        plans.close()
    assert compiled == ["a.line", "b.line"] * 2
    assert caplog.text.count("a.line: no plan can be compiled") == 1


def test_scans_that_cannot_be_concluded_hold_up_no_other_stream(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    behind = [Behind(1, "a.line", 1), Behind(2, "b.line", 1)]
    tried: list[str] = []

    def go_on(_connection: Connection, stream: Behind) -> None:
        tried.append(stream.gateway)
        if stream.gateway == "a.line":
            raise limit_exceeded()
        behind.remove(stream)

    monkeypatch.setattr(scans, "go_on", go_on)
    monkeypatch.setattr(scans, "_behind", lambda _connection: list(behind))
    process = Scans(config)
    try:
        process.catch_up()
        process.catch_up()
    finally:
        process.close()
    assert tried == ["a.line", "b.line", "a.line"]
    assert caplog.text.count("a.line: its scans become no events") == 1


def test_a_scan_that_the_database_refuses_for_ever_is_kept_as_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[OperationalError] = [limit_exceeded()]
    refused: list[tuple[int, str]] = []

    def report(*_: object) -> None:
        raise errors[-1]

    def refuse(
        _connection: object, _source: object, seq: int, _record: object, why: NoEvent
    ) -> None:
        refused.append((seq, why.code))

    monkeypatch.setattr(concluding, "_report", report)
    monkeypatch.setattr(concluding, "refuse", refuse)
    source, record = concluding.Source("a.line", 1, False, None, None), cast("Scanned", None)
    with engine.connect() as connection:
        concluding.conclude(connection, source, 7, record, {})
        assert refused == [(7, "failed")]
        errors.append(OperationalError("INSERT", {}, pg.DeadlockDetected("deadlock detected")))
        with pytest.raises(OperationalError):
            concluding.conclude(connection, source, 8, record, {})
    assert refused == [(7, "failed")]


def limit_exceeded() -> OperationalError:
    """An error of the database that comes again with the same statement."""
    return OperationalError("INSERT", {}, pg.ProgramLimitExceeded("index row size exceeds maximum"))


def three_acts(engine: Engine) -> int:
    """Return the number of the act before them."""
    with engine.begin() as connection:
        newest: int = connection.execute(text("SELECT max(id) FROM act")).scalar_one()
        connection.execute(
            text(
                "INSERT INTO act (at, subject, key, what, payload, account, role, reason, basis)"
                " SELECT now(), 'test', n::text, 'done', '{}', 'test', 'program', '', ''"
                " FROM generate_series(1, 3) n"
            )
        )
    return newest


def test_an_act_that_cannot_be_looked_at_holds_up_no_other(
    engine: Engine,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    newest = three_acts(engine)
    seen: list[int] = []

    def told(_connection: Connection, after: int, upto: int) -> Iterator[Told]:
        if after < newest + 2 <= upto:
            raise ValueError("a fault of ours")
        seen.extend(range(after + 1, upto + 1))
        yield from ()

    monkeypatch.setattr(look, "told", told)
    watch._act = newest
    while watch._look():
        pass
    raised = newest + 4
    assert seen == [newest + 1, newest + 3, raised]
    assert caplog.text.count(f"act {newest + 2} cannot be looked at") == 1
    watch.begin()
    assert watch._act == raised
    with engine.connect() as connection:
        facts = connection.execute(text("SELECT facts FROM alert WHERE rule = 'look-failed'"))
        assert facts.scalar_one() == {
            "look": f"act {newest + 2}",
            "detail": "ValueError: a fault of ours",
        }
        connection.execute(text("UPDATE alert SET state = 'resolved' WHERE rule = 'look-failed'"))
        connection.commit()


def test_the_clock_is_looked_at_also_while_the_watch_catches_up(
    engine: Engine, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = three_acts(engine)
    monkeypatch.setattr(process, "ACTS_AT_ONCE", 1)
    monkeypatch.setattr(process, "EVERY_S", 0.0)
    seen: list[int] = []

    def older(_connection: Connection) -> Iterator[OlderRegister]:
        seen.append(watch._act)
        yield from ()

    monkeypatch.setattr(look, "older", older)
    watch._act = newest
    watch.catch_up()
    assert seen == [newest + 1, newest + 2, newest + 3, newest + 3]


@pytest.mark.parametrize(
    ("rule", "name", "fault"),
    [
        ("journal-forked", "forked", "KeyError: 'a fault of ours'"),
        ("claims-more", "claimed", "UndefinedColumn"),
    ],
)
def test_a_look_by_the_clock_that_fails_is_an_alert_and_ends_no_other(
    engine: Engine,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    rule: str,
    name: str,
    fault: str,
) -> None:
    went_on: list[str] = []

    def fails(connection: Connection) -> Iterator[ForkedJournal]:
        if fault == "UndefinedColumn":
            connection.execute(text("SELECT no_such FROM stream"))
        raise KeyError("a fault of ours")

    def overdue(connection: Connection, _now: datetime) -> Iterator[Overdue]:
        went_on.append(str(connection.execute(text("SELECT 'overdue'")).scalar_one()))
        yield from ()

    monkeypatch.setattr(look, name, fails)
    monkeypatch.setattr(look, "overdue", overdue)
    for _ in range(2):
        watch._clock_at = 0.0
        watch._look_at_the_clock()
    assert went_on == ["overdue", "overdue"]
    assert caplog.text.count(f"cannot look for {rule}; the other looks go on") == 1
    assert "Traceback" in caplog.text
    with engine.begin() as connection:
        found = connection.execute(
            text(
                "UPDATE alert SET state = 'resolved'"
                " WHERE rule = 'look-failed' AND state = 'raised' RETURNING facts"
            )
        )
        (facts,) = found.scalars()
    assert facts["look"] == rule
    assert fault in facts["detail"]


def test_an_elected_worker_without_work_notices_that_its_lock_is_gone(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "ELECTION_EVERY_S", 0.0)
    monkeypatch.setattr(consumer, "BACKOFF_S", (0.0, 0.0))
    worker = Worker(config, SigningKey.new(), {})
    try:
        worker._elect()
        first = worker._connection().info.backend_pid
        end_session(config, first)
        worker._elect()
        assert worker._elected
        assert worker._connection().info.backend_pid != first
    finally:
        worker._drop_database()


def test_a_watch_whose_lock_is_gone_raises_nothing(
    config: Config, engine: Engine, watch: Watch
) -> None:
    with db.connect(config, autocommit=True) as listener:
        watch._ensure_alone = lambda: ensure_alone(listener)
        end_session(config, listener.info.backend_pid)
        with pytest.raises(psycopg.OperationalError):
            watch._raise_some([replace(FINDING, subject="gramsh.line-2", cause="gone")], {})
    with engine.connect() as connection:
        raised = text("SELECT count(*) FROM alert WHERE cause = 'gone'")
        assert connection.execute(raised).scalar_one() == 0


def test_another_takes_over_from_one_whose_lock_is_gone(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "RETRY_S", 0.02)
    stopping = threading.Event()
    at_work: list[int] = []
    ended: list[Exception] = []

    def work(alone: psycopg.Connection[tuple[object, ...]]) -> None:
        at_work.append(alone.info.backend_pid)
        try:
            while not stopping.wait(0.02):
                ensure_alone(alone)
        except psycopg.OperationalError as error:
            ended.append(error)
            raise

    def run() -> None:
        follow(
            config,
            work,
            only_one=1,
            channels=(),
            stopping=stopping,
            log=LOG,
            meanwhile="nothing is done",
        )

    threads = [threading.Thread(target=run, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_for("the first", lambda: at_work, 20)
    end_session(config, at_work[0])
    wait_for("the next", lambda: len(at_work) == 2, 20)
    wait_for("the first to find out", lambda: ended, 20)
    assert len(ended) == 1
    stopping.set()
    for thread in threads:
        thread.join(30)


def test_a_statement_that_is_refused_is_not_called_a_database_that_is_away(
    config: Config, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    stopping = threading.Event()

    def work(_alone: object) -> None:
        stopping.set()
        with engine.begin() as connection:
            connection.execute(text("SELECT 1 / 0"))

    follow(
        config,
        work,
        only_one=2,
        channels=(),
        stopping=stopping,
        log=LOG,
        meanwhile="nothing is done",
    )
    assert "the database refuses a statement; nothing is done" in caplog.text


def test_a_connection_whose_other_end_is_gone_fails_soon(config: Config) -> None:
    with db.connect(config) as connection:
        told = connection.info.get_parameters()
    assert {name: told[name] for name in db.LIVENESS} == {
        name: str(value) for name, value in db.LIVENESS.items()
    }
    url = config.database.url + "&tcp_user_timeout=7000"
    with db.connect(config.model_copy(update={"database": Database(url=url)})) as connection:
        assert connection.info.get_parameters()["tcp_user_timeout"] == "7000"


@pytest.mark.parametrize(
    ("statement", "away"),
    [
        ("SELECT 1 / 0", False),
        ("DO $$ BEGIN RAISE SQLSTATE '54000'; END $$", False),
        ("DO $$ BEGIN RAISE SQLSTATE '57P01'; END $$", True),
        ("DO $$ BEGIN RAISE SQLSTATE '53300'; END $$", True),
    ],
)
def test_only_what_may_pass_by_itself_means_that_the_database_is_away(
    config: Config, statement: str, away: bool
) -> None:
    with db.connect(config) as connection, pytest.raises(psycopg.Error) as raised:
        connection.execute(statement)
    assert db.is_away(raised.value) is away

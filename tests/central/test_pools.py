"""Requests that wait for the database keep no other request waiting."""

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from sqlalchemy import Engine, text

from central import pools
from central.config import load
from central.db import disposing
from central.errors import Busy
from central.pools import Pools
from central.queries.reading import snapshot
from gateway.contract.signed import SigningKey
from tests.support.register import Register
from tests.support.wait import wait_for

ENTRANCES = ("/sign-in", "/public", "/api/v1/public/entities", "/api/v1/rights")


@contextmanager
def opened() -> Iterator[Register]:
    with Register.opened() as centre:
        centre.post("/api/v1/entities", {"code": "UMG", "name": "Uzina Mekanike"})
        yield centre


@contextmanager
def entity_locked(centre: Register) -> Iterator[None]:
    """Let every act on the entity wait."""
    with psycopg.connect(centre.database) as connection:
        connection.execute("SELECT FROM entity WHERE code = 'UMG' FOR UPDATE")
        yield


@contextmanager
def own_pools(centre: Register) -> Iterator[Pools]:
    """Pools beside those of the register's server."""
    with disposing(Pools.opened(load(centre.folder / "central.toml"))) as found:
        yield found


def use(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT 1")).scalar_one())


def waiting(centre: Register) -> int:
    """Connections to the register's database that wait for a lock."""
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return int(centre.sql(query)[0][0])


def deactivate(officer: httpx.Client) -> httpx.Response:
    return officer.post("/api/v1/entities/UMG/deactivate", json={"reason": "it closed"})


def assert_busy(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["Retry-After"]


def test_requests_that_wait_keep_neither_visitors_nor_who_signs_in_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pools, "CONNECTION_S", 0.1)
    monkeypatch.setattr(pools, "LOCK_S", 60.0)
    with (
        opened() as centre,
        centre.client() as officer,
        ThreadPoolExecutor(pools.OF_WORK) as threads,
    ):
        with entity_locked(centre):
            sent = [threads.submit(deactivate, officer) for _ in range(pools.OF_WORK)]
            wait_for("all connections to be in use", lambda: waiting(centre) == pools.OF_WORK, 30)
            with centre.http() as visitor:
                for path in ENTRANCES:
                    assert visitor.get(path).status_code == 200, path
                wrong = {"account": "registry-officer", "password": "not the right one"}
                assert visitor.post("/api/v1/sessions", json=wrong).status_code == 401
                enrolment = {"gateway": "gramsh.line-1", "code": "ABCDE-FGHIJ", "reason": "new"}
                enrolment |= {"public": SigningKey.new().public.hex()}
                assert visitor.post("/enroll", json=enrolment).status_code == 403
            assert_busy(deactivate(officer))
            assert not any(each.done() for each in sent)
        assert sorted({each.result(60).status_code for each in sent}) == [200, 409]


def test_more_do_not_wait_than_there_are_threads_for(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = (pools.OF_WORK, pools.OF_ENTRANCE, pools.OF_PUBLIC, pools.OF_DEVICES)
    assert sum(sizes) * (1 + pools.WAITING) < pools.THREADS
    monkeypatch.setattr(pools, "OF_PUBLIC", 1)
    monkeypatch.setattr(pools, "CONNECTION_S", 60.0)
    with opened() as centre, own_pools(centre) as found, ThreadPoolExecutor() as threads:
        with found.public.connect():
            sent = [threads.submit(use, found.public) for _ in range(pools.WAITING + 1)]
            done, waits = wait(sent, 30, FIRST_COMPLETED)
            assert [type(each.exception()) for each in done] == [Busy]
        assert [each.result(30) for each in waits] == [1] * pools.WAITING


def test_a_statement_that_takes_too_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "STATEMENT_S", 0.05)
    with (
        opened() as centre,
        own_pools(centre) as found,
        pytest.raises(Busy),
        snapshot(found.public) as connection,
    ):
        connection.execute(text("SELECT pg_sleep(60)"))


def test_who_waits_too_long_for_another_transaction_is_told_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pools, "LOCK_S", 0.05)
    with opened() as centre, centre.client() as officer:
        with entity_locked(centre):
            assert_busy(deactivate(officer))
        assert deactivate(officer).status_code == 200

"""Who asks while the register is away, or while marks are counted, keeps nobody else waiting."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import Engine, create_engine

from central.errors import DatabaseUnavailable
from central.public import copy, marks
from central.public.copy import Copy
from central.public.marks import Marks
from tests.support.wait import wait_for


class Away:
    """A database that does not answer: whoever tries it waits until `gone`, and is refused."""

    def __init__(self, error: Callable[[], Exception]) -> None:
        self.gone = threading.Event()
        self.tried = 0
        self._error = error

    def connect(self) -> psycopg.Connection:
        self.tried += 1
        assert self.gone.wait(30)
        raise self._error()

    @property
    def engine(self) -> Engine:
        return create_engine("postgresql+psycopg://", creator=self.connect)


@pytest.fixture
def away() -> Iterator[Away]:
    found = Away(lambda: psycopg.OperationalError("no answer"))
    yield found
    found.gone.set()


def test_while_the_database_is_away_one_tries_it_for_all(away: Away) -> None:
    asked = Copy(away.engine)
    with ThreadPoolExecutor(10) as visitors:
        answers = [visitors.submit(asked.look) for _ in range(10)]
        wait_for("the first", lambda: away.tried == 1, 30)
        away.gone.set()
        assert all(isinstance(each.exception(30), DatabaseUnavailable) for each in answers)
    assert away.tried == 1


def test_while_it_is_tried_again_nobody_else_waits(
    away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy, "AGAIN_S", 0.0)
    asked = Copy(away.engine)
    away.gone.set()
    with pytest.raises(DatabaseUnavailable):
        asked.look()
    away.gone.clear()
    with ThreadPoolExecutor(2) as visitors:
        first = visitors.submit(asked.look)
        wait_for("the next try", lambda: away.tried == 2, 30)
        other = visitors.submit(asked.look)
        assert isinstance(other.exception(10), DatabaseUnavailable)
        assert not first.done()
        away.gone.set()
    assert away.tried == 2


def test_while_marks_are_counted_only_who_asked_first_waits(
    away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "_WAIT_S", 15.0)
    counted = Marks(away.engine)
    with ThreadPoolExecutor(1) as visitors:
        first = visitors.submit(counted.look)
        wait_for("the count", lambda: away.tried == 1, 10)
        assert counted.look() is None
        assert not first.done(), "the other waited no less"
        away.gone.set()


def test_what_cannot_be_counted_is_not_counted_again_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = Away(lambda: ValueError("a kind that there is not"))
    broken.gone.set()
    now = datetime(2026, 6, 1, tzinfo=UTC)
    counted = Marks(broken.engine, lambda: now)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert counted.look() is None
            now += timedelta(days=1)
    assert broken.tried == 1
    assert "a kind that there is not" in caplog.text


def test_while_the_database_is_away_no_marks_are_counted(away: Away) -> None:
    away.gone.set()
    asked = Copy(away.engine)
    with pytest.raises(DatabaseUnavailable):
        asked.figures()
    assert away.tried == 1

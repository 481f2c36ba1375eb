"""A list costs the database as many statements, however long it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.support.register import Register


@pytest.fixture
def centre() -> Iterator[Register]:
    with Register.opened() as found:
        found.post("/api/v1/entities", {"code": "UMG", "name": "Uzina Mekanike"})
        yield found


@contextmanager
def heard(centre: Register) -> Iterator[list[str]]:
    """The statements that are executed for who is signed in or sends a token."""
    statements: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = centre.pools.work
    event.listen(engine, "before_cursor_execute", hear)
    yield statements
    event.remove(engine, "before_cursor_execute", hear)


def test_a_longer_list_of_licences_takes_no_more_statements(centre: Register) -> None:
    counts = []
    for number in range(1, 4):
        centre.add_licence(f"L-{number}", "UMG")
        with heard(centre) as statements:
            listed = centre.get("/api/v1/licences")["items"]
        assert [each["number"] for each in listed] == [f"L-{n}" for n in range(1, number + 1)]
        assert listed == [centre.get(f"/api/v1/licences/L-{n}") for n in range(1, number + 1)]
        counts.append(len(statements))
    assert counts == [counts[0]] * len(counts)

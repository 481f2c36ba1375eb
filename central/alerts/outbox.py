"""What is to be sent of alerts, and what came of each attempt.

A delivery is entered in the transaction that raises or escalates its alert, and sent in none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from central import schema

Address = tuple[str, str]
"""Channel (mail, webhook) and target: a mail address, or a webhook's name."""
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)
MOST_ATTEMPTS = 60
"""Over two days; then it is given up, and stands so."""
_ANSWER = 500


@dataclass(frozen=True)
class Delivery:
    """One message that is due."""

    id: int
    alert: str
    occasion: str
    channel: str
    target: str
    attempts: int


def enter(
    connection: Connection, alert: str, occasion: str, to: Iterable[Address], now: datetime
) -> None:
    """To be sent from now on."""
    rows = [
        {
            "alert": alert,
            "occasion": occasion,
            "channel": channel,
            "target": target,
            "created": now,
            "due": now,
        }
        for channel, target in dict.fromkeys(to)
    ]
    if rows:
        connection.execute(insert(schema.delivery), rows)


def due(connection: Connection, now: datetime, most: int) -> Sequence[Delivery]:
    """Those whose time has come, the first one first."""
    table = schema.delivery
    rows = connection.execute(
        select(*(table.c[name] for name in Delivery.__dataclass_fields__))
        .where(table.c.sent.is_(None), table.c.given_up.is_(None), table.c.due <= now)
        .order_by(table.c.due, table.c.id)
        .limit(most)
    )
    return [Delivery(**row._mapping) for row in rows]


def attempted(
    connection: Connection, delivery: Delivery, now: datetime, *, delivered: bool, answer: str
) -> bool:
    """Keep what came of it; true where it was the last attempt."""
    table, number = schema.delivery, delivery.attempts + 1
    given_up = not delivered and number >= MOST_ATTEMPTS
    connection.execute(
        insert(schema.delivery_attempt).values(
            delivery=delivery.id,
            attempt=number,
            at=now,
            delivered=delivered,
            answer=answer.replace("\x00", "")[:_ANSWER],
        )
    )
    connection.execute(
        update(table)
        .where(table.c.id == delivery.id)
        .values(
            attempts=number,
            due=now + wait(number),
            sent=now if delivered else None,
            given_up=now if given_up else None,
        )
    )
    return given_up


def wait(attempts: int) -> timedelta:
    """How long after so many attempts the next one is made."""
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(attempts - 1, 20)))

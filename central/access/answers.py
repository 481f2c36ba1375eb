"""What is kept for a while: answers that are given again to a request with the same idempotency
key, for thirty days; what was proved half; browsers in which somebody has signed in before."""

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import Engine, func
from sqlalchemy.exc import DBAPIError

from central import schema
from central.access import half, known, passwords
from central.errors import DatabaseUnavailable
from central.threads import Threads

log = logging.getLogger("central.answers")
KEPT = timedelta(days=30)
EVERY_S = 3600.0


def forget_old(engine: Engine) -> int:
    """Remove what is too old, and return how many answers it was; their keys are free again."""
    table = schema.answered
    with engine.begin() as connection:
        for kept in (half, known):
            passwords.forget_old(connection, kept.KIND, kept.GOOD_FOR)
        return connection.execute(table.delete().where(table.c.at < func.now() - KEPT)).rowcount


async def forgetting(engine: Engine, threads: Threads) -> None:
    """Every hour, until cancelled; while the database is away it waits for the next time."""
    while True:
        try:
            removed = await threads.run(forget_old, engine)
        except (DBAPIError, DatabaseUnavailable) as error:
            log.warning("old answers stay for now: %s", error)
        else:
            if removed:
                log.info("%d answers older than %d days are removed", removed, KEPT.days)
        await asyncio.sleep(EVERY_S)

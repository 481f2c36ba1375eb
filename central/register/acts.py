"""What was done to a subject, kept in order, and the word to the plan process that it was done."""

import json

from sqlalchemy import Connection, func, select

from central import schema

PLAN_CHANNEL = "gjurma_plan"


def record_act(connection: Connection, subject: str, name: str, act: str, reason: str = "") -> None:
    """Keep it; and once committed, plans are compiled anew."""
    connection.execute(
        schema.act.insert().values(subject=subject, name=name, act=act, reason=reason)
    )
    payload = json.dumps({"subject": subject, "name": name}, separators=(",", ":"))
    connection.execute(select(func.pg_notify(PLAN_CHANNEL, payload)))

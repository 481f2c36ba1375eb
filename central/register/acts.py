"""What was done to a subject, kept in order, and the word to listeners that it was done."""

import json
from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from central import schema

PLAN_CHANNEL = "gjurma_plan"


def record_act(
    connection: Connection,
    subject: str,
    name: str,
    act: str,
    reason: str = "",
    *,
    gateways: Iterable[str] = (),
) -> None:
    """Keep it. Once committed, the plans of `gateways` are compiled anew."""
    connection.execute(
        schema.act.insert().values(subject=subject, name=name, act=act, reason=reason)
    )
    told = {"subject": subject, "name": name}
    for payload in [told | {"gateway": gateway} for gateway in gateways] or [told]:
        text = json.dumps(payload, separators=(",", ":"))
        connection.execute(select(func.pg_notify(PLAN_CHANNEL, text)))

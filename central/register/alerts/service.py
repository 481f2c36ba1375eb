"""Raising an alert, once, and what people and the clock do with it."""

from dataclasses import asdict

from sqlalchemy import or_, select

from central import schema
from central.register.acts import Why, Work
from central.register.alerts.models import Finding
from central.register.alerts.rules import Alert, apply
from central.register.subject import Subject

ALERT = Subject("alert", schema.alert, Alert, apply, key=("number",))


def raise_one(work: Work, finding: Finding) -> Alert | None:
    """None where this very case was raised before, or one of its rule and subject is still open."""
    table = schema.alert
    there = work.connection.execute(
        select(table.c.number).where(
            or_(
                table.c.number == finding.number,
                (table.c.rule == finding.rule)
                & (table.c.subject == finding.subject)
                & (table.c.state != "resolved"),
            )
        )
    ).first()
    if there is not None:
        return None
    return work.act(ALERT, finding.number, "raised", asdict(finding))


def escalate(work: Work, number: str, waited: str) -> Alert:
    """Nobody has acknowledged it. Raises `Conflict` where somebody has."""
    return work.act(ALERT, number, "escalated", why=Why(f"not acknowledged within {waited}"))


def acknowledge(work: Work, number: str, why: Why) -> Alert:
    """Somebody takes it on, by name. Raises `NotFound` or `Conflict`."""
    payload = {"by": work.by.account}
    return work.act(ALERT, number, "acknowledged", payload, why=why, expects=True)


def resolve(work: Work, number: str, why: Why) -> Alert:
    """What it told of is settled, as they say. Raises `NotFound` or `Conflict`."""
    return work.act(ALERT, number, "resolved", {"by": work.by.account}, why=why, expects=True)

"""Proposing what needs a second person, and that person's word, by which it is carried out."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from central import schema
from central.errors import AlreadyProposed, Conflict, Stale
from central.register.acts import LAST, By, Why, Work
from central.register.proposals.kinds import KINDS, Asked, Kind
from central.register.proposals.models import OPEN_FOR, Effect, ProposalKind
from central.register.proposals.rules import Proposal, apply
from central.register.subject import Subject

PROPOSAL = Subject("proposal", schema.proposal, Proposal, apply, key=("number",))
_TRIED = "tried"
"""In the place of a second person while a proposal is tried; nothing of that is kept."""


@dataclass(frozen=True)
class Wanted:
    """What somebody proposes: `key` names what it is about, as the acts will."""

    kind: ProposalKind
    key: str
    asked: Asked


def propose(work: Work, wanted: Wanted) -> Proposal:
    """Keep it, after it was tried and taken back: whatever would refuse it now does.

    Raises what carrying it out does, or `AlreadyProposed`.
    """
    connection, kind = work.connection, KINDS[wanted.kind]
    effect = _tried(work, kind, wanted)
    # Under the lock of who adds an act: numbers follow each other, and two do not ask the same.
    connection.execute(select(func.pg_advisory_xact_lock(LAST)))
    now = datetime.now(UTC)
    _not_open_yet(connection, wanted, now)
    number = _next(connection, now.year)
    payload = {
        "number": number,
        "kind": kind.name,
        "key": wanted.key,
        "payload": wanted.asked.model_dump(mode="json"),
        "effect": effect,
        "account": work.by.account,
        "person": person_of(connection, work.by.account),
        "role": work.by.role,
        "entity": work.by.entity,
        "until": now + OPEN_FOR,
    }
    return work.act(PROPOSAL, number, "proposed", payload, why=_why(wanted.asked))


def confirm(work: Work, number: str, remark: str = "") -> Proposal:
    """It is carried out, in the same transaction, as who proposed it asked.

    Raises `NotFound`, `ProposalOver`, `SamePerson`; `Stale` where what it rests on has changed
    since it was proposed, `Conflict` where who proposed it may not any more; or what carrying it
    out does.
    """
    connection = work.connection
    open_ = PROPOSAL.require(connection, number, lock=True)
    # From this act on nobody else adds one: what is looked at below stays as it is.
    confirmed = work.act(PROPOSAL, number, "confirmed", _decision(work, remark), expects=True)
    _still_theirs(connection, open_)
    kind = KINDS[open_.kind]
    asked = kind.asked.model_validate(open_.payload)
    for what, version in kind.rests_on(connection, open_.key, asked):
        if version > open_.version:
            raise Stale(f"{what} has changed since {number} was proposed: propose it anew")
    both = By(open_.account, open_.role, open_.entity, second=work.by.account)
    effect = kind.carry_out(Work(connection, both), open_.key, asked)
    if effect != open_.effect:
        raise Stale(f"{number} would do now what it did not when it was proposed: propose it anew")
    return confirmed


def decline(work: Work, number: str, why: Why) -> Proposal:
    """Raises `NotFound`, `ProposalOver`, `SamePerson`."""
    payload = _decision(work, why.reason)
    return work.act(PROPOSAL, number, "declined", payload, why=why, expects=True)


def withdraw(work: Work, number: str, why: Why) -> Proposal:
    """By who proposed it. Raises `NotFound`, `ProposalOver`, `Forbidden`."""
    payload = _decision(work, why.reason)
    return work.act(PROPOSAL, number, "withdrawn", payload, why=why, expects=True)


def person_of(connection: Connection, account: str) -> str:
    """Whose it is; a program has no account, and is called by its name."""
    table = schema.account
    found = connection.execute(select(table.c.person).where(table.c.name == account))
    return str(found.scalar_one_or_none() or account)


def _tried(work: Work, kind: Kind, wanted: Wanted) -> Effect:
    tried = replace(work, by=replace(work.by, second=_TRIED))
    with work.connection.begin_nested() as trial:
        effect = kind.carry_out(tried, wanted.key, wanted.asked)
        trial.rollback()
    return effect


def _not_open_yet(connection: Connection, wanted: Wanted, now: datetime) -> None:
    table = schema.proposal
    open_ = connection.execute(
        select(table.c.number).where(
            table.c.kind == wanted.kind,
            table.c.key == wanted.key,
            table.c.state == "open",
            table.c.until > now,
        )
    ).scalar_one_or_none()
    if open_ is not None:
        raise AlreadyProposed(f"{open_} asks for that already")


def _next(connection: Connection, year: int) -> str:
    table, prefix = schema.proposal, f"PR-{year}-"
    count = select(func.count()).where(table.c.number.startswith(prefix))
    return f"{prefix}{connection.execute(count).scalar_one() + 1:04}"


def _still_theirs(connection: Connection, proposal: Proposal) -> None:
    table = schema.account
    row = connection.execute(select(table).where(table.c.name == proposal.account)).one_or_none()
    if row is None or row.state != "active" or proposal.role not in row.roles:
        raise Conflict(f"{proposal.account}, who proposed {proposal.number}, may not do that now")


def _decision(work: Work, remark: str) -> dict[str, Any]:
    account = work.by.account
    return {"by": account, "person": person_of(work.connection, account), "remark": remark}


def _why(asked: Asked) -> Why:
    return Why(asked.reason, asked.basis)

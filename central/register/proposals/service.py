"""Proposing what needs a second person, and that person's word, by which it is carried out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from central import schema
from central.errors import AlreadyProposed, Conflict, ProposalStale, SamePerson
from central.register.acts import LAST, By, Why, Work
from central.register.proposals.kinds import KINDS, Asked, Kind
from central.register.proposals.models import OPEN_FOR, Effect, ProposalKind
from central.register.proposals.rules import Proposal, Somebody, apply
from central.register.subject import Subject
from central.said import said

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
    # Under the lock of who adds an act: nothing is done between the trial and the act that says
    # what it did, so that whatever is done later has a later version; numbers follow each other,
    # and two do not ask the same.
    connection.execute(select(func.pg_advisory_xact_lock(LAST)))
    effect = _tried(work, kind, wanted)
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

    Raises `NotFound`, `ProposalOver`, `SamePerson`; `ProposalStale` where what it rests on has
    changed since it was proposed, `Conflict` where who proposed it may not any more; or what
    carrying it out does.
    """
    connection = work.connection
    open_ = PROPOSAL.require(connection, number, lock=True)
    _another_person(connection, open_, work.by.account)
    # From this act on nobody else adds one: what is looked at below stays as it is.
    confirmed = work.act(PROPOSAL, number, "confirmed", _decision(work, remark), expects=True)
    _still_theirs(connection, open_)
    kind = KINDS[open_.kind]
    asked = kind.asked.model_validate(open_.payload)
    for what, version in kind.rests_on(connection, open_.key, asked):
        if version > open_.version:
            raise ProposalStale(
                said("{what} has changed since {number} was proposed", what=what, number=number)
            )
    both = By(open_.account, open_.role, open_.entity, second=work.by.account)
    effect = kind.carry_out(Work(connection, both), open_.key, asked)
    if effect != open_.effect:
        raise ProposalStale(
            said("{number} would do now what it did not when it was proposed", number=number)
        )
    return confirmed


def decline(work: Work, number: str, why: Why) -> Proposal:
    """Raises `NotFound`, `ProposalOver`, `SamePerson`."""
    open_ = PROPOSAL.require(work.connection, number, lock=True)
    _another_person(work.connection, open_, work.by.account)
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


def changers(connection: Connection, account: str) -> Sequence[Somebody]:
    """Who else changed that account, its password or roles, within as long as a proposal is open:
    each by account and person. They may hold what it is signed in by."""
    act, theirs = schema.act, schema.account
    rows = connection.execute(
        select(act.c.account, func.coalesce(theirs.c.person, act.c.account))
        .outerjoin(theirs, theirs.c.name == act.c.account)
        .where(
            act.c.subject == "account",
            act.c.key == account,
            act.c.account != account,
            act.c.at > datetime.now(UTC) - OPEN_FOR,
        )
        .distinct()
    )
    return [(name, person) for name, person in rows]


def _another_person(connection: Connection, proposal: Proposal, account: str) -> None:
    """Raises `SamePerson`."""
    if any(proposal.is_of(*each) for each in changers(connection, account)):
        raise SamePerson(
            said(
                "who proposed {number} changed the account {account} within {days} days",
                number=proposal.number,
                account=account,
                days=OPEN_FOR.days,
            )
        )


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
        raise AlreadyProposed(said("{number} asks for that already", number=open_))


def _next(connection: Connection, year: int) -> str:
    table, prefix = schema.proposal, f"PR-{year}-"
    count = select(func.count()).where(table.c.number.startswith(prefix))
    return f"{prefix}{connection.execute(count).scalar_one() + 1:04}"


def _still_theirs(connection: Connection, proposal: Proposal) -> None:
    table = schema.account
    row = connection.execute(select(table).where(table.c.name == proposal.account)).one_or_none()
    stands = row is not None and row.state == "active" and proposal.role in row.roles
    if row is None or not stands or row.entity != proposal.entity:
        raise Conflict(
            said(
                "{account}, who proposed {number}, may not do that any more",
                account=proposal.account,
                number=proposal.number,
            )
        )


def _decision(work: Work, remark: str) -> dict[str, Any]:
    account = work.by.account
    return {"by": account, "person": person_of(work.connection, account), "remark": remark}


def _why(asked: Asked) -> Why:
    return Why(asked.reason, asked.basis)

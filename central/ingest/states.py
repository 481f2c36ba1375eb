"""What gateways say of themselves on their `state` topics: health, and a question for a receipt."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from central.ingest import proof
from central.ingest.database import LIVE_CHANNEL, Connection, notify
from central.ingest.facts import PlanKey
from central.register.acts import PLAN_CHANNEL
from gateway.contract.errors import ContractError
from gateway.contract.receipt import Receipt
from gateway.contract.signed import SigningKey
from gateway.contract.topics import Boot, State

SILENT = timedelta(minutes=2)
"""A boot that is there says so every minute."""


@dataclass(frozen=True)
class Heard:
    """A gateway's word of itself. The last will says no more than that a session ended."""

    epoch: int
    boot: Boot
    online: bool
    plan: PlanKey | None
    seq: int | None
    latches: tuple[str, ...]
    at: datetime
    committed: int | None = None
    """Up to which record the register confirmed its journal, as it claims."""


def decode(
    gateway: str, payload: bytes, now: datetime, key: SigningKey
) -> tuple[Heard, Receipt | None] | None:
    """What a gateway says of itself, and the receipt that it brings if `key` signed it.

    None for what cannot be decoded, which is ignored: a state is no evidence.
    """
    if not payload:
        return None
    try:
        state = State.from_line(payload)
        boot = Boot.parse(state.boot)
    except ContractError:
        return None
    plan = None if state.plan is None else state.plan.key()
    heard = Heard(
        *(state.epoch, boot, state.online, plan, state.seq, state.latches, now),
        committed=state.committed,
    )
    return heard, proof.own_receipt(state, gateway, key)


def merged(old: Heard | None, new: Heard) -> Heard | None:
    """What stands after `new`; None where an older boot, or another's end, says nothing now.

    An older boot that is online counts once the newer one is gone, with or without a word: that was
    a copy's, or the boot of a journal that was set back.
    """
    if old is None:
        return new
    before, after = (old.epoch, old.boot.counter), (new.epoch, new.boot.counter)
    is_gone = not old.online or new.at - old.at > SILENT
    is_back = new.online and is_gone and new.epoch == old.epoch
    if after < before and not is_back:
        return None
    if after == before and not new.online and new.boot.nonce != old.boot.nonce:
        return None
    return replace(
        new,
        plan=old.plan if new.plan is None else new.plan,
        seq=new.seq if new.online else old.seq,
        latches=new.latches if new.online else old.latches,
        committed=old.committed
        if new.committed is None and new.epoch == old.epoch
        else new.committed,
    )


def heard(
    connection: Connection, gateway: str, payload: bytes, now: datetime, key: SigningKey
) -> tuple[int, str] | None:
    """Store a state, and weigh the receipt that it brings, which `key` has to have signed.

    Returns the (epoch, boot) that asks for a receipt, for one that is online.
    """
    decoded = decode(gateway, payload, now, key)
    if decoded is None:
        return None
    state, receipt = decoded
    if receipt is not None:
        proof.weigh(connection, receipt, now)
    stored = merged(_known(connection, gateway), state)
    if stored is not None:
        _store(connection, gateway, stored)
    return (state.epoch, str(state.boot)) if state.online else None


def _known(connection: Connection, gateway: str) -> Heard | None:
    row = connection.execute(
        "SELECT epoch, boot_counter, boot_nonce, online, plan_incarnation, plan_version, seq,"
        " latches, at, committed FROM gateway_state WHERE gateway = %s FOR UPDATE",
        (gateway,),
    ).fetchone()
    if row is None:
        return None
    plan = None if row[4] is None else (row[4], row[5])
    return Heard(row[0], Boot(row[1], row[2]), row[3], plan, row[6], tuple(row[7]), *row[8:])


def _store(connection: Connection, gateway: str, state: Heard) -> None:
    # One elected worker hears all states, so that nobody else adds a first one meanwhile.
    stored = connection.execute(
        "INSERT INTO gateway_state (gateway, epoch, boot_counter, boot_nonce, online,"
        " plan_incarnation, plan_version, seq, latches, at, committed)"
        " SELECT name, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM gateway WHERE name = %s"
        " ON CONFLICT (gateway) DO UPDATE SET epoch = excluded.epoch,"
        " boot_counter = excluded.boot_counter, boot_nonce = excluded.boot_nonce,"
        " online = excluded.online, plan_incarnation = excluded.plan_incarnation,"
        " plan_version = excluded.plan_version, seq = excluded.seq,"
        " latches = excluded.latches, at = excluded.at, committed = excluded.committed"
        " RETURNING 1",
        (
            *(state.epoch, state.boot.counter, state.boot.nonce, state.online),
            *(state.plan or (None, None)),
            *(state.seq, list(state.latches), state.at, state.committed, gateway),
        ),
    ).fetchone()
    if stored is not None:
        notify(connection, LIVE_CHANNEL, {"gateway": gateway, "state": True})
        notify(connection, PLAN_CHANNEL, {"gateway": gateway, "state": True})

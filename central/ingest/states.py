"""What gateways say of themselves on their `state` topics: health, and a question for a receipt."""

from datetime import datetime

from central.ingest.store import LIVE_CHANNEL, PLAN_CHANNEL, Connection, notify
from gateway.contract.errors import ContractError
from gateway.contract.topics import Boot, State


def heard(
    connection: Connection, gateway: str, payload: bytes, now: datetime
) -> tuple[int, str] | None:
    """Store a state; returns the (epoch, boot) that asks for a receipt, for one that is online.

    What cannot be decoded, and an offline of an older boot, is ignored: a state is no evidence.
    """
    if not payload:
        return None
    try:
        state = State.from_line(payload)
        boot = Boot.parse(state.boot)
    except ContractError:
        return None
    plan = (None, None) if state.plan is None else state.plan.key()
    stored = connection.execute(
        "INSERT INTO gateway_state AS old (gateway, epoch, boot_counter, boot_nonce, online,"
        " plan_incarnation, plan_version, seq, latches, at)"
        " SELECT name, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM gateway WHERE name = %s"
        " ON CONFLICT (gateway) DO UPDATE SET epoch = excluded.epoch,"
        " boot_counter = excluded.boot_counter, boot_nonce = excluded.boot_nonce,"
        " online = excluded.online, at = excluded.at,"
        # The last will says no more than that the session ended: what was known stays.
        " plan_incarnation = coalesce(excluded.plan_incarnation, old.plan_incarnation),"
        " plan_version = coalesce(excluded.plan_version, old.plan_version),"
        " seq = coalesce(excluded.seq, old.seq),"
        " latches = CASE WHEN excluded.online THEN excluded.latches ELSE old.latches END"
        " WHERE (excluded.epoch, excluded.boot_counter) > (old.epoch, old.boot_counter)"
        " OR (excluded.epoch, excluded.boot_counter, excluded.boot_nonce)"
        "  = (old.epoch, old.boot_counter, old.boot_nonce)"
        " OR (excluded.online AND (excluded.epoch, excluded.boot_counter)"
        "  = (old.epoch, old.boot_counter))"
        " RETURNING 1",
        (
            *(state.epoch, boot.counter, boot.nonce, state.online, *plan, state.seq),
            *(list(state.latches), now, gateway),
        ),
    ).fetchone()
    if stored is not None:
        notify(connection, LIVE_CHANNEL, {"gateway": gateway, "state": True})
        notify(connection, PLAN_CHANNEL, {"gateway": gateway, "state": True})
    return (state.epoch, state.boot) if state.online else None

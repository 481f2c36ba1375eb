"""The same messages to the real store on PostgreSQL: it ends with the same rows, twice.

What it holds is then built anew from its acts, plans and batches.

with database() as url:
    assert twin(url, 4711) == ""
"""

from tests.central.postgres import Store
from tests.central.tables import differences, of_database, of_register
from tests.simulation.central import Done
from tests.simulation.machine import NOON
from tests.simulation.simulate import simulate
from tests.simulation.world import World

FIRST_INCARNATION = int(NOON.timestamp()) - 86400
MOST = 3
"""So many differing rows are told."""


def twin(url: str, seed: int) -> str:
    """Run a seed, and do to the database what was done to the register; what differs, if any."""
    worlds: list[World] = []
    outcome = simulate(seed, keep=worlds.append)
    if outcome.fault:
        return outcome.fault
    centre = worlds[0].centre
    with Store(url, centre.receipt_key, FIRST_INCARNATION, centre.keys) as store:
        told = repeat(centre.done, store)
        with store.connection.transaction():
            told += differences(of_register(centre.register), of_database(store.connection))
        told += map(str, store.rebuilt().differences)
    return "; ".join(told[:MOST])


def repeat(done: list[Done], store: Store) -> list[str]:
    """In the same order; returns what the database did not answer as it should."""
    wanted = {each[1] for each in done if each[0] == "restore"}
    strange: list[str] = []
    for index, each in enumerate(done):
        match each:
            case ("records", gateway, payload, now, fault):
                store.records(gateway, payload, now, fault)
            case ("judge-again",):
                store.judge_again()
            case ("state", gateway, payload, now):
                store.state(gateway, payload, now)
            case ("enrol", gateway, public):
                store.enrol(gateway, public)
            case ("salvage", payload):
                store.salvage(payload)
            case ("plan", payload):
                store.put_plan(payload)
            case ("backup", number) if number in wanted:
                store.back_up(f"backup_{number}")
            case ("restore", number):
                store.restore(f"backup_{number}")
            case ("declare", now):
                store.declare_restore(now)
            case ("older", why):
                store.prove_older(why)
            case ("may-issue",):
                if not store.may_issue():
                    strange.append(f"step {index}: the database may not issue yet")
    return strange

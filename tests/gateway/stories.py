"""How a station on a bench is played in examples, and its journal in short."""

from gateway import moves as m
from gateway.contract.record import Marked, Record, Settled, Trial, Verified
from gateway.moves import Phase
from tests.gateway.bench import Setup
from tests.gateway.metal import Metal


def idle(setup: Setup) -> Metal:
    """A station that has just started with an empty journal."""
    metal = Metal(setup)
    metal.carry_out()
    assert metal.cycle.phase is Phase.IDLE
    return metal


def until(metal: Metal, effect: type[object]) -> None:
    """Carry out, without a fault, all that comes before an effect of that kind."""
    for _ in range(20):
        if isinstance(metal.effect, effect):
            return
        metal.carry_out()
    raise AssertionError(f"{effect.__name__} does not come")


def facts(metal: Metal) -> list[str]:
    """The journal in short."""
    return [_fact(record) for record in metal.journal]


def _fact(record: Record) -> str:
    match record:
        case Marked():
            return ", ".join(dict.fromkeys(result.did for result in record.results))
        case Verified():
            return record.verdict
        case Settled():
            return f"settled:{record.how}"
        case Trial():
            return f"trial:{record.did}"
    return record.type


def play(metal: Metal, *, trial: bool = False) -> list[str]:
    """A whole cycle without a fault; the effects in their order."""
    metal.begin(trial=trial)
    order = []
    while metal.effect is not None:
        order.append(type(metal.effect).__name__)
        if isinstance(metal.effect, m.AwaitOutcome):
            metal.pedal()
        metal.carry_out()
    return order

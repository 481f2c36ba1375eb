"""Cells of the table faults × states that cannot be reached, each with its reason."""

from collections.abc import Iterable

from gateway.moves import Phase
from tests.simulation.network import FATES
from tests.simulation.wire import WIRE_FATES

AT_MARKER = frozenset(
    {
        Phase.PREPARING,
        Phase.ARMING,
        Phase.FIRING,
        Phase.WAITING,
        Phase.INSPECTING,
        Phase.DISARMING,
        Phase.SWITCH_OFF,
    }
)
"""A command is under way to the marker."""
AT_READER = frozenset({Phase.LOOKING, Phase.READING, Phase.CHECKING})
"""A session of a reader is under way."""
INSTANT = frozenset({Phase.COMMITTING, Phase.GUARDING})
"""The journal and the guard are written while nothing else in the process runs."""

_NO_MARKER = "no command goes to the marker then"
_NO_READER = "no reader is asked then"
_INSTANT = "it is over before anything from without can come"
_OWN_GUARD = "the guard is written in its own phase, and no record with it"
_BY_COMMAND = "a station that is fired by its own input never fires by command"


def _all_but(reached: Iterable[Phase], why: str) -> dict[Phase, str]:
    return {phase: why for phase in Phase if phase not in set(reached)}


UNREACHABLE: dict[str, dict[Phase, str]] = {
    **{f"marker-{fate}": _all_but(AT_MARKER, _NO_MARKER) for fate in WIRE_FATES},
    **{f"reader-{fate}": _all_but(AT_READER, _NO_READER) for fate in WIRE_FATES},
    **{f"message-{fate}": dict.fromkeys(INSTANT, _INSTANT) for fate in FATES},
    **{
        f"worker-{moment}": dict.fromkeys(INSTANT, _INSTANT)
        for moment in ("before-commit", "after-commit", "after-ack")
    },
    "crash-before-cursor": dict.fromkeys(INSTANT, _INSTANT),
    "crash-after-cursor": dict.fromkeys(INSTANT, _INSTANT),
    "crash-before-commit": {Phase.GUARDING: _OWN_GUARD},
    "crash-after-commit": {Phase.GUARDING: _OWN_GUARD},
    "crash-in-guard": {Phase.COMMITTING: _OWN_GUARD},
    "crash-after-guard": {Phase.COMMITTING: _OWN_GUARD},
    "pedal": {Phase.FIRING: _BY_COMMAND},
}

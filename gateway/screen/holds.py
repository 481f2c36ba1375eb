"""What stops a station, and the page that leads out of it: the one table from a code to its page.

What happened is the sentence of the code's note. The page adds what it means, who can end it, and
how, step by step; each is a code of the catalogues (`hold-means`, `hold-who`, `hold-how`), since
many holds share them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gateway.choice import Work
from gateway.moves import Note, Phase
from gateway.station import Station


@dataclass(frozen=True)
class Hold:
    """A page: codes of the catalogues."""

    means: str
    who: str
    how: tuple[str, ...]


_LICENCE = Hold("unlicensed", "producer", ("tell-lead", "producer-mends", "goes-on"))
_EXCLUDED = Hold("unlicensed", "registry", ("tell-lead", "registry-decides", "goes-on"))
_PRODUCT = Hold("product", "producer", ("tell-lead", "other-order", "goes-on"))
_ORDER = Hold("order", "shift-lead", ("other-order", "ask-registry", "goes-on"))
_NEW_EPOCH = ("leave-on", "parts-aside", "call-registry", "new-epoch")

HOLDS: Mapping[str, Hold] = {
    # Latches that only a new epoch ends
    "rolled-back": Hold("old-journal", "registry", _NEW_EPOCH),
    "forked": Hold("old-journal", "registry", _NEW_EPOCH),
    "journal-corrupt": Hold("old-journal", "registry", (*_NEW_EPOCH[:-1], "salvage")),
    "two-of-me": Hold(
        "twin", "registry", ("find-twin", "parts-aside", "call-registry", "new-epoch")
    ),
    # Latches and faults of a station
    "unknown-outcome": Hold("unknown", "two-people", ("hands-off", "read-it", "two-settle")),
    "switch-off": Hold("armed", "operator", ("hands-off", "key-off", "key-on")),
    "marker-silent": Hold("silent", "operator", ("look-power", "key-on", "tell-maintenance")),
    "first-piece": Hold("first-piece", "second-lead", ("take-first", "lead-looks", "lead-signs")),
    "broken": Hold("broken", "maintenance", ("leave-part", "tell-maintenance")),
    "journal-full": Hold("no-room", "maintenance", ("leave-on", "make-room", "goes-on")),
    "guard-silent": Hold("guard", "maintenance", ("leave-on", "change-stick", "goes-on")),
    # Between the line and the register
    "no-plan": Hold("no-word", "registry", ("look-network", "ask-registry", "goes-on")),
    "lease-ended": Hold("no-word", "itself", ("look-network", "tell-lead", "goes-on")),
    "awaiting-receipt": Hold("no-word", "itself", ("wait", "goes-on")),
    "clock-ahead": Hold("clock-ahead", "maintenance", ("set-clock", "tell-lead", "goes-on")),
    "no-trusted-time": Hold("no-time", "maintenance", ("look-network", "set-clock", "goes-on")),
    # The plan's own obstacles
    "licence-suspended": _LICENCE,
    "licence-revoked": _LICENCE,
    "licence-expired": _LICENCE,
    "licence-not-begun": _LICENCE,
    "licence-not-covering": _LICENCE,
    "licence-used-up": _LICENCE,
    "licence-missing": _LICENCE,
    "entity-excluded": _EXCLUDED,
    "entity-inactive": _EXCLUDED,
    "place-inactive": _EXCLUDED,
    "product-withdrawn": _PRODUCT,
    "approval-ended": _PRODUCT,
    "order-held": _ORDER,
    "order-suspended": _ORDER,
    "order-finished": Hold("order", "operator", ("other-order",)),
    "no-order": Hold("order", "shift-lead", ("other-order", "ask-registry", "goes-on")),
    "numbers-used-up": Hold("numbers", "shift-lead", ("ask-numbers", "other-order", "goes-on")),
}


def page(code: str) -> dict[str, Any] | None:
    """The page of a hold, as JSON; None where a code's sentence says all."""
    found = HOLDS.get(code)
    return None if found is None else {"code": code, **asdict(found)}


def station_hold(station: Station, found: Work | Note) -> dict[str, Any] | None:
    """The page of what holds a station now; `found` is what comes next, or why nothing does."""
    cycle = station.cycle
    if station.broken:
        return page("broken")
    if cycle.phase is Phase.UNKNOWN:
        return page("unknown-outcome")
    if cycle.phase is Phase.SWITCH_OFF:
        return None if cycle.note is None else page(cycle.note.code)
    idle = cycle.phase is Phase.IDLE and not station.busy and station.marker is not None
    return page(found.code) if idle and isinstance(found, Note) else None

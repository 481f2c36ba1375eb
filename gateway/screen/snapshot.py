"""What people see of one station, as JSON; texts are codes of the catalogues.

Pure: it reads the station, the plan and the ledger, and changes nothing.
"""

from datetime import datetime
from itertools import islice
from typing import Any

from gateway.choice import Work, left
from gateway.contract.encoding import format_time
from gateway.contract.plan import Plan, PlanOrder
from gateway.contract.record import Mark
from gateway.contract.uii import serial
from gateway.details import as_json
from gateway.ledger import Ledger
from gateway.moves import Note, Open, Phase
from gateway.screen import pace
from gateway.screen.holds import station_hold
from gateway.shift import BINS, Ended, in_bin
from gateway.standing import FirstPiece, StationLedger
from gateway.station import Station

SHOWN = 20
"""How many of what waits are named; the count tells of all."""


def station_view(station: Station, now: datetime) -> dict[str, Any]:
    """One station: where its cycle stands, what comes next, what can be asked for."""
    cycle, ledger = station.cycle, station.logbook.ledger
    own = ledger.station(station.name)
    plan, order_id = station.permission.plan, station.order
    order = plan.order(order_id) if plan and order_id else None
    found = station.next_work()
    work = found if isinstance(found, Work) else None
    return {
        "name": station.name,
        "start": station.config.start,
        "marks": station.marker is not None,
        "readers": len(station.readers),
        "components": list(station.config.components),
        "phase": cycle.phase.value,
        "armed": station.armed,
        "busy": station.busy,
        "cycles": station.cycles,
        "broken": station.broken,
        "note": note_view(cycle.note),
        "run": {
            "on": station.running is not None,
            "paused": note_view(station.paused),
            "told": note_view(station.told),
        },
        "permitted": work is not None,
        "why_not": None if isinstance(found, Work) else note_view(found),
        "hold": station_hold(station, found),
        "can": can(station, permitted=work is not None),
        "order": _order(plan, order, ledger) if plan and order else None,
        "orders": [order.id for order in plan.orders] if plan else [],
        "next": None if work is None else _next(work),
        "current": None if cycle.open is None else _current(cycle.open, ledger),
        "again": [] if own.again is None else [_mark(mark) for mark in own.again.marks],
        "first": None if own.held is None else _first(own.held),
        "groups": _groups(own, plan),
        "due": _due(station, plan, ledger),
        "counts": dict(own.made.get(order_id or "", {})),
        "trials": own.trials,
        "shift": _shift(own, plan, ledger),
        "shifts": [_ended(each) for each in reversed(own.ended)],
        "pace": _pace(station, order, own, now),
        "parts": [
            {
                "seq": part.seq,
                "position": part.position,
                "at": format_time(part.at),
                "order": part.order,
                "component": part.component,
                "text": part.text,
                "uii": part.uii,
                "serial": part.serial,
                "state": part.state,
                "entry": part.entry,
                "verdict": part.verdict,
                "reads": part.reads,
                "read": part.read,
                "grade": part.grade,
                "picture": part.picture,
                "took": part.took,
                "settle": _may_settle(station, ledger, part.seq, part.position),
            }
            for part in reversed(own.parts)
        ],
    }


def note_view(note: Note | None) -> dict[str, Any] | None:
    if note is None:
        return None
    return {"code": note.code, "facts": {name: as_json(value) for name, value in note.facts}}


def _order(plan: Plan, order: PlanOrder, ledger: Ledger) -> dict[str, Any]:
    return {
        "id": order.id,
        "product": order.product,
        "kind": order.kind,
        "quantity": order.quantity,
        "contents": order.contents,
        "lot": order.lot,
        "state": order.state,
        "reason": order.reason,
        "verify": order.verify.mode,
        "every": order.verify.every,
        "tray": order.tray or 1,
        "components": [component.name for component in order.components],
        "left": left(plan, order.id, ledger),
    }


def _pace(
    station: Station, order: PlanOrder | None, own: StationLedger, now: datetime
) -> dict[str, Any] | None:
    """Marks an hour, and when the order's would all be made here; None while nobody can say."""
    found = pace.per_hour(own.shots, now)
    if found is None or order is None:
        return None
    names = [component.name for component in order.components]
    here = [name for name in names if name in (station.config.components or names)]
    good = own.made.get(order.id, {}).get("good", 0)
    end = pace.end(found, order.quantity * max(len(here), 1) - good, now)
    return {"per_hour": round(found), "end": None if end is None else format_time(end)}


def _next(work: Work) -> dict[str, Any]:
    """What the next cycle marks: the first mark large, and all of them by place."""
    first = work.marks[0]
    return {
        "serial": serial(first.item.elements),
        "lines": list(first.text),
        "component": work.component.name,
        "job": work.job,
        "again": work.again,
        "first": bool(first.readback and first.readback.first),
        "places": [_mark(mark) for mark in work.marks],
    }


def _current(opened: Open, ledger: Ledger) -> dict[str, Any]:
    """The intent under way: the first mark large, and what is known of each place."""
    first = opened.marks[0]
    verdicts = {each.position: each for each in opened.rejected}
    places = []
    for mark in opened.marks:
        at = mark.position
        verdict = verdicts.get(at)
        places.append(
            {
                **_mark(mark),
                "did": None if opened.outcome is None else opened.outcome.at(at).value,
                "due": at in opened.due,
                "unknown": at in opened.unknown,
                "verdict": verdict.verdict if verdict else None,
                "read": verdict.content if verdict else None,
                "state": ledger.state_at((opened.seq, at)),
            }
        )
    return {
        "seq": opened.seq,
        "text": list(first.text),
        "uii": first.item.uii,
        "serial": serial(first.item.elements),
        "component": first.component,
        "eye": opened.eye,
        "blind": opened.blind,
        "places": places,
    }


def _mark(mark: Mark) -> dict[str, Any]:
    return {
        "position": mark.position,
        "component": mark.component,
        "serial": serial(mark.item.elements),
        "uii": mark.item.uii,
        "text": list(mark.text),
        "content": mark.content,
        "quantity": mark.quantity,
    }


def _first(first: FirstPiece) -> dict[str, Any]:
    """The first piece that waits to be approved."""
    return {"seq": first.at[0], **_mark(first.mark)}


def _shift(own: StationLedger, plan: Plan | None, ledger: Ledger) -> dict[str, Any]:
    """What the shift came to so far; by hand it is counted into the same places."""
    shift = own.shift
    return {
        "first": shift.first,
        "trials": shift.trials,
        "orders": [
            {
                "order": order,
                "bins": {name: in_bin(states, name) for name in BINS},
                "states": {state: count for state, count in states.items() if count},
                "left": 0 if plan is None else left(plan, order, ledger),
            }
            for order, states in shift.orders.items()
        ],
    }


def _ended(shift: Ended) -> dict[str, Any]:
    return {
        "seq": shift.seq,
        "at": format_time(shift.at),
        "operator": shift.operator,
        "orders": list(shift.orders),
    }


def _groups(own: StationLedger, plan: Plan | None) -> list[dict[str, Any]]:
    """The groups of which no sample is read yet: those that still grow, and those that wait."""
    growing = []
    for order_id, members in own.groups.items():
        order = plan.order(order_id) if plan else None
        growing.append(
            {
                "order": order_id,
                "members": len(members),
                "every": order.verify.every if order else None,
                "sample": None,
            }
        )
    waiting = [
        {"order": None, "members": len(members), "every": None, "sample": list(sample)}
        for sample, members in islice(own.samples.items(), SHOWN)
    ]
    return growing + waiting


def _due(station: Station, plan: Plan | None, ledger: Ledger) -> dict[str, Any]:
    """What waits to be read back: marks of this journal, and of others that the plan names."""
    theirs = station.due_reads()
    under_way = sum(
        ledger.awaiting.get(mark.content) == (opened.seq, mark.position)
        for other in ledger.stations.values()
        if (opened := other.open) is not None
        for mark in opened.marks
        if mark.position in opened.due
    )
    return {
        "count": len(theirs),
        "here": len(ledger.awaiting) - under_way,
        "first": [
            {
                "order": due.order,
                "component": due.component,
                "gateway": due.of.gateway,
                "serial": order.serial(due.number)
                if plan and (order := plan.order(due.order))
                else "",
            }
            for due in islice(theirs.values(), SHOWN)
        ],
    }


def _may_settle(station: Station, ledger: Ledger, seq: int, position: int) -> bool:
    """Whether two people may still decide of a part from idle."""
    at = (seq, position)
    return (
        station.cycle.phase is Phase.IDLE
        and ledger.made_at(at) == station.name
        and ledger.state_at(at) not in ("scrapped", "voided")
    )


_IN_PHASE: dict[Phase, tuple[str, ...]] = {
    Phase.JUDGING: ("judge",),
    Phase.SET_ASIDE: ("acknowledge", "read_again", "type", "settle"),
    Phase.READ_BLOCKED: ("read_again", "type", "settle"),
    Phase.UNKNOWN: ("read_again", "settle", "unlatch"),
}


def can(station: Station, *, permitted: bool) -> list[str]:
    """The buttons that do something now."""
    if station.running is not None:
        return ["stop"]
    if station.permission.latches:
        return []  # a journal that is not this gateway's truth must not grow
    opened = station.cycle.open
    reads = bool(station.readers) and not (opened is not None and opened.blind)
    if station.cycle.phase is Phase.IDLE:
        if station.busy or station.permission.to_write() is not None:
            return []
        held = station.logbook.ledger.station(station.name).held is not None
        begins = ["run", "begin"] if station.by_input else ["begin"]
        buttons = [*begins, "trial"] if permitted and station.marker is not None else []
        if station.marker is None:
            buttons.append("run")
        if held:
            buttons.append("first-piece")
        if station.marker is not None:
            buttons.append("shift")
        return [*buttons, *(["check"] if station.readers else []), "check-typed"]
    buttons = list(_IN_PHASE.get(station.cycle.phase, ()))
    typed = opened is not None and bool(opened.due - opened.unknown)
    return [
        name for name in buttons if (name != "read_again" or reads) and (name != "type" or typed)
    ]

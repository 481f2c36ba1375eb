"""What people sign for at a station that rests: the first piece of an order, the end of a shift."""

from collections.abc import Mapping

from gateway import testimony
from gateway.choice import left
from gateway.contract.record import Counted, ShiftEnd, Tally
from gateway.logbook import Author, Draft
from gateway.moves import Note
from gateway.shift import differing
from gateway.standing import FirstPiece
from gateway.station import NotNow, Station


def approve_first(station: Station, seq: int, approver: str, reason: str) -> None:
    """A second person approves the first piece of record `seq`: the next may be marked.

    Raises `NotNow`.
    """
    first = _first(station, seq, approver)
    of, position = station.ref(first.at[0]), first.at[1]
    draft = testimony.approved(of, position, reason, approver)
    _say(station, draft, approver, Note("first-approved"))


def refuse_first(station: Station, seq: int, approver: str, reason: str) -> None:
    """A second person sets that first piece aside as scrap; the next is a first one again.

    Raises `NotNow`.
    """
    first = _first(station, seq, approver)
    of, position = station.ref(first.at[0]), first.at[1]
    draft = testimony.settled(of, position, "scrapped", reason, (approver,))
    _say(station, draft, approver, Note("first-refused"))


def _first(station: Station, seq: int, approver: str) -> FirstPiece:
    """The first piece that waits, if it is the one that was looked at, and by somebody else."""
    _must_rest(station)
    first = station.logbook.ledger.station(station.name).held
    if first is None:
        raise NotNow(Note("no-first-piece"))
    if first.at[0] != seq:
        raise NotNow(Note("other-first-piece"))
    if first.operator == approver:
        raise NotNow(Note("second-person"))
    return first


def _must_rest(station: Station) -> None:
    """And its journal takes what is signed."""
    station.must_be_idle()
    refused = station.permission.to_write()
    if refused is not None:
        raise NotNow(refused)


def _say(station: Station, draft: Draft, approver: str, note: Note) -> None:
    station.logbook.append(draft, station=station.name, author=Author(approver, "pin"))
    station.tell(note)


def end_shift(
    station: Station,
    first: int,
    author: Author,
    counted: Mapping[str, Counted],
    lead: str | None,
    reason: str,
) -> int:
    """The end of the shift that began with record `first`, signed with its counts; its seq.

    `lead` signs as well where hand and journal differ, and says why. Raises `NotNow`.
    """
    _must_rest(station)
    shift = station.logbook.ledger.station(station.name).shift
    if shift.first != first:
        raise NotNow(Note("other-shift"))
    tallies = _tallies(station, counted)
    apart = next((tally.order for tally in tallies if differing(tally)), None)
    if apart is not None and (lead is None or not reason):
        raise NotNow(Note("counts-differ", (("order", apart),)))
    end = ShiftEnd(
        first=shift.first,
        trials=shift.trials,
        orders=tallies,
        witnesses=() if apart is None or lead is None else (lead,),
        reason="" if apart is None else reason,
    )
    draft = testimony.shift_ended(end)
    (record,) = station.logbook.append(draft, station=station.name, author=author)
    station.tell(Note("shift-ended"))
    return record.seq


def _tallies(station: Station, counted: Mapping[str, Counted]) -> tuple[Tally, ...]:
    """What each order of the shift came to, beside what was counted by hand."""
    ledger, plan = station.logbook.ledger, station.permission.plan
    orders = ledger.station(station.name).shift.orders
    for order in orders:
        if order not in counted:
            raise NotNow(Note("not-counted", (("order", order),)))
    for order in counted:
        if order not in orders:
            raise NotNow(Note("not-of-shift", (("order", order),)))
    return tuple(
        Tally(
            order=order,
            states={state: count for state, count in states.items() if count},
            left=0 if plan is None else left(plan, order, ledger),
            counted=counted[order],
        )
        for order, states in orders.items()
    )

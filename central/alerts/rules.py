"""The table of rules: what each looks at, and whether that is a case of it. Pure.

    findings = judge(looked, limits)

The texts of a rule are filled from its case, and stand in Albanian in the catalogue `alerts.po`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from math import asin, cos, radians, sin, sqrt
from typing import Any

from central.alerts.facts import (
    Backlog,
    ClaimedRecords,
    ClockRead,
    CountedLot,
    CountedOrder,
    FailedLook,
    ForkedJournal,
    Heard,
    LastHad,
    LatchedGateway,
    Limits,
    Looked,
    Missing,
    NotStored,
    OlderRegister,
    Overdue,
    OverdueCount,
    Received,
    RefusedMark,
    RefusedScan,
    Spot,
    Told,
    UnjudgedBatch,
    UsedBlock,
)
from central.register.alerts.models import About, Fact, Finding, RuleCode, Severity

NAMED = 20
"""So many numbers are named in an alert; how many there are stands beside them."""
NEAR_KM = 5.0
"""Within so far two places are one: scanners stand apart, and clocks differ."""
_EARTH_KM = 6371.0
_ENDED = frozenset({"destroyed", "exported"})
_ELSEWHERE_RIGHTLY = frozenset({"in-transit", "in-repair", "seized"})
"""Who carries, repairs or seizes a thing has it at a place of theirs and does not hold it."""
_ENDS_EPOCH = frozenset({"rolled-back", "forked", "two-of-me", "journal-corrupt"})
"""Only a new epoch ends these latches. Those of a station are an operator's daily work."""

Case = tuple[str, str, dict[str, Fact]]
"""Subject, cause, facts."""


@dataclass(frozen=True)
class Rule:
    """`looks_at` is the type of what `cases` is asked about, a few together that belong to one
    record, event, block, gateway or order. `title` and `text` are what people read: English, and
    what the catalogues `alerts` translate. `counted`: the fact by whose number the text has its
    form; `text` is then that of one, and the catalogues have that of more."""

    code: RuleCode
    severity: Severity
    about: About
    looks_at: type[Any]
    cases: Callable[[Any, Limits], Iterator[Case]]
    title: str
    text: str
    counted: str = ""


def _duplicate(mark: RefusedMark, _: Limits) -> Iterator[Case]:
    for uii in mark.doubled:
        yield uii, mark.record, {"record": mark.record, "detail": mark.detail}


def _refused(mark: RefusedMark) -> Case:
    return (
        mark.gateway,
        mark.record,
        {
            "record": mark.record,
            "code": mark.code,
            "detail": mark.detail,
            "count": len(mark.uiis),
            "uiis": list(mark.uiis[:NAMED]),
        },
    )


def _quarantined(mark: RefusedMark, _: Limits) -> Iterator[Case]:
    if mark.code not in ("duplicate", "not-licensed", "unjudged"):
        yield _refused(mark)


def _unlicensed(mark: RefusedMark, _: Limits) -> Iterator[Case]:
    if mark.code == "not-licensed":
        yield _refused(mark)


def _unjudged(batch: UnjudgedBatch, _: Limits) -> Iterator[Case]:
    facts: dict[str, Fact] = {
        "epoch": batch.epoch,
        "from_record": batch.first,
        "to_record": batch.last,
        "fault": batch.fault,
    }
    yield batch.gateway, str(batch.act), facts


def _is_after_end(told: Told) -> bool:
    return told.verdict == "illegal-step" and told.before in _ENDED


def _is_received_by_other(told: Told) -> bool:
    """Return whether an entity received what was in transit or seized and not sent to it."""
    return told.what in ("received", "imported") and told.verdict == "not-held"


def _disputed(told: tuple[Told, ...], _: Limits) -> Iterator[Case]:
    """One an event: a pallet brings a thousand articles."""
    found = [
        each
        for each in told
        if each.verdict != "ok" and not _is_after_end(each) and not _is_received_by_other(each)
    ]
    if found:
        yield (
            found[0].event,
            found[0].event,
            {
                "what": found[0].what,
                "verdicts": sorted({each.verdict for each in found}),
                "count": len(found),
                "articles": [each.article for each in found[:NAMED]],
            },
        )


def _received_by_other(told: tuple[Told, ...], _: Limits) -> Iterator[Case]:
    """One an event."""
    found = [each for each in told if _is_received_by_other(each)]
    if found:
        yield (
            found[0].event,
            found[0].event,
            {
                "what": found[0].what,
                "reporter": found[0].reporter or "",
                "count": len(found),
                "articles": [each.article for each in found[:NAMED]],
            },
        )


def _seen_after_end(told: tuple[Told, ...], _: Limits) -> Iterator[Case]:
    for each in told:
        if _is_after_end(each):
            facts = _event(each) | {"before": str(each.before)}
            yield each.article, each.event, facts


def _elsewhere(told: tuple[Told, ...], _: Limits) -> Iterator[Case]:
    """One an event: an inventory names thousands."""
    found = [each for each in told if _is_elsewhere(each)]
    if found:
        yield (
            found[0].event,
            found[0].event,
            {
                "what": found[0].what,
                "place": found[0].place or "",
                "owner": str(found[0].owner),
                "holders": sorted({str(each.holder) for each in found}),
                "count": len(found),
                "articles": [each.article for each in found[:NAMED]],
            },
        )


def _is_elsewhere(told: Told) -> bool:
    if told.what not in ("seen", "moved", "stored") or told.verdict != "ok":
        return False
    if told.after in _ELSEWHERE_RIGHTLY or None in (told.holder, told.owner):
        return False
    return told.holder != told.owner


def _too_far(told: tuple[Told, ...], limits: Limits) -> Iterator[Case]:
    for each in told:
        for other in each.others:
            if each.spot is None or not _is_too_far(each.spot, other, limits):
                continue
            apart = abs(each.spot.happened - other.happened)
            facts: dict[str, Fact] = {
                "other_event": other.event,
                "other_place": other.place,
                "km": round(distance_km(each.spot, other)),
                "minutes": round(apart / timedelta(minutes=1)),
                "fastest_km_h": limits.fastest_km_h,
            }
            yield each.article, f"{each.event} {other.event}", _event(each) | facts
            break


def _event(told: Told) -> dict[str, Fact]:
    return {"event": told.event, "what": told.what, "place": told.place or ""}


def _is_too_far(one: Spot, other: Spot, limits: Limits) -> bool:
    hours = abs(one.happened - other.happened) / timedelta(hours=1)
    return distance_km(one, other) > NEAR_KM + limits.fastest_km_h * hours


def distance_km(one: Spot, other: Spot) -> float:
    """Along a great circle, by the haversine formula; exact to half a per cent."""
    up, along = radians(other.latitude - one.latitude), radians(other.longitude - one.longitude)
    level = cos(radians(one.latitude)) * cos(radians(other.latitude))
    square = sin(up / 2) ** 2 + level * sin(along / 2) ** 2
    return 2 * _EARTH_KM * asin(sqrt(min(1.0, square)))


def _block_too_fast(block: UsedBlock, limits: Limits) -> Iterator[Case]:
    """From when it was issued until its last number came in: a line that was away is no case."""
    seconds = (block.used_up - block.issued).total_seconds()
    if seconds < block.size * limits.least_seconds_a_number:
        facts: dict[str, Fact] = {
            "gateway": block.gateway,
            "order": block.order,
            "size": block.size,
            "seconds": round(seconds),
            "least_seconds_a_number": limits.least_seconds_a_number,
        }
        yield block.id, block.id, facts


def _overdue(late: Overdue, _: Limits) -> Iterator[Case]:
    planned = late.planned_arrival.isoformat()
    facts: dict[str, Fact] = {
        "state": late.state,
        "direction": late.direction,
        "planned_arrival": planned,
    }
    yield late.consignment, planned, facts


def _received_short(received: Received, _: Limits) -> Iterator[Case]:
    """One a receipt: what comes late and is missed again is another case."""
    if received.count:
        facts: dict[str, Fact] = {
            "sender": received.sender,
            "recipient": received.recipient,
            "carrier": received.carrier,
            "count": received.count,
            "articles": [each.article for each in received.short[:NAMED]],
            "holders": sorted({each.holder or "" for each in received.short}),
            "last": [_last_had(each) for each in received.short[:NAMED]],
        }
        yield received.consignment, str(received.act), facts


def _last_had(each: LastHad) -> str:
    told = f" ({each.what}, {each.event})" if each.event else ""
    return f"{each.article}: {each.holder or each.reporter or '?'}{told}"


def _count_missing(count: Missing, _: Limits) -> Iterator[Case]:
    """What somebody finds by looking again, and what is missing then, is another case."""
    if count.weapons or count.pieces:
        facts: dict[str, Fact] = {
            "place": count.place,
            "entity": count.entity,
            "count": len(count.weapons),
            "pieces": count.pieces,
            "articles": list(count.weapons[:NAMED]),
        }
        yield count.count, str(count.act), facts


def _count_overdue(late: OverdueCount, _: Limits) -> Iterator[Case]:
    due = late.due.isoformat()
    yield late.count, due, {"state": late.state, "place": late.place, "due": due}


def _scan_refused(scan: RefusedScan, _: Limits) -> Iterator[Case]:
    """One a device that stands: all that it scanned is in its disagreements."""
    yield (
        scan.device,
        scan.record,
        {"record": scan.record, "code": scan.code, "detail": scan.detail},
    )


def _gateway_silent(heard: Heard, limits: Limits) -> Iterator[Case]:
    if heard.now - max(heard.seen, heard.since) > timedelta(minutes=limits.gateway_silent_minutes):
        since = heard.seen.isoformat()
        yield (
            heard.gateway,
            since,
            {"since": since, "gateway_silent_minutes": limits.gateway_silent_minutes},
        )


def _gateway_behind(backlog: Backlog, limits: Limits) -> Iterator[Case]:
    """A line at full speed has caught up with its last word within seconds."""
    if backlog.now - backlog.since > timedelta(minutes=limits.gateway_silent_minutes):
        since = backlog.since.isoformat()
        facts: dict[str, Fact] = {
            "since": since,
            "waiting": backlog.waiting,
            "gateway_silent_minutes": limits.gateway_silent_minutes,
        }
        yield backlog.gateway, since, facts


def _clock_off(clock: ClockRead, limits: Limits) -> Iterator[Case]:
    if abs(clock.ahead) > limits.clock_off_seconds:
        facts: dict[str, Fact] = {
            "record": clock.record,
            "seconds": round(clock.ahead),
            "clock_off_seconds": limits.clock_off_seconds,
        }
        yield clock.gateway, clock.record, facts


def _gateway_latched(gateway: LatchedGateway, _: Limits) -> Iterator[Case]:
    """One for all latches of an epoch; a latch that is added later is another case."""
    latches = [latch for latch in gateway.latches if latch in _ENDS_EPOCH]
    if latches:
        cause = f"{gateway.epoch} {' '.join(latches)}"
        yield gateway.gateway, cause, {"epoch": gateway.epoch, "latches": latches}


def _stopped_by(latch: str) -> Callable[[LatchedGateway, Limits], Iterator[Case]]:
    """One for a start of the gateway: such a latch ends by itself, with room or with an answer."""

    def judge(gateway: LatchedGateway, _: Limits) -> Iterator[Case]:
        if latch in gateway.latches:
            cause = f"{gateway.epoch} {gateway.boot}"
            yield gateway.gateway, cause, {"epoch": gateway.epoch}

    return judge


def _journal_forked(journal: ForkedJournal, _: Limits) -> Iterator[Case]:
    """Another case once more is known of the two branches."""
    facts: dict[str, Fact] = {
        "epoch": journal.epoch,
        "stations": list(journal.stations),
        "count": len(journal.uiis),
        "uiis": list(journal.uiis[:NAMED]),
    }
    yield journal.gateway, f"{journal.epoch} {len(journal.uiis)}", facts


def _not_stored(messages: NotStored, _: Limits) -> Iterator[Case]:
    """One for a gateway and a day: an upgrade leaves a few, a fault of the register one each."""
    facts: dict[str, Fact] = {"count": messages.count, "detail": messages.detail}
    yield messages.gateway, str(messages.day), facts


def _look_failed(failed: FailedLook, _: Limits) -> Iterator[Case]:
    """One for a look and a day."""
    facts: dict[str, Fact] = {"look": failed.look, "detail": failed.fault}
    yield "register", f"{failed.look} {failed.day}", facts


def _register_older(register: OlderRegister, _: Limits) -> Iterator[Case]:
    """One for an incarnation: a declared restore ends it."""
    yield "register", str(register.incarnation), {"detail": register.proof}


def _claims_more(claim: ClaimedRecords, _: Limits) -> Iterator[Case]:
    """One for an epoch and an incarnation, whatever further numbers a faulty gateway names."""
    if claim.claimed > claim.held:
        facts: dict[str, Fact] = {
            "epoch": claim.epoch,
            "claimed": claim.claimed,
            "held": claim.held,
        }
        yield claim.gateway, f"{claim.epoch} {claim.incarnation}", facts


def _balance_open(counted: CountedOrder, _: Limits) -> Iterator[Case]:
    if counted.unaccounted:
        facts: dict[str, Fact] = {"issued": counted.issued, "unaccounted": counted.unaccounted}
        yield counted.order, str(counted.unaccounted), facts


def _lot_balance_open(counted: CountedLot, _: Limits) -> Iterator[Case]:
    if counted.short or counted.disputed:
        facts: dict[str, Fact] = {
            "filled": counted.filled,
            "short": counted.short,
            "disputed": counted.disputed,
        }
        yield counted.lot, f"{counted.short} {counted.disputed}", facts


RULES: tuple[Rule, ...] = (
    Rule(
        *("duplicate", "critical", "item", RefusedMark, _duplicate),
        "A number was marked twice",
        "{subject} was claimed again by record {record}: {detail}",
    ),
    Rule(
        *("quarantined", "warning", "gateway", RefusedMark, _quarantined),
        "Marks were quarantined",
        "{subject} sent record {record}, which is refused ({code}: {detail}). Quarantined: {uiis}",
    ),
    Rule(
        *("unlicensed", "critical", "gateway", RefusedMark, _unlicensed),
        "Marking without a licence",
        "{subject} marked without being allowed to, record {record}: {detail}. Marked: {uiis}",
    ),
    Rule(
        *("unjudged", "critical", "gateway", UnjudgedBatch, _unjudged),
        "A batch could not be judged",
        "{subject}: records {from_record} to {to_record} of epoch {epoch} are kept, and their"
        " numbers are quarantined ({fault}). Update the register, then run gjurma-central judge",
    ),
    Rule(
        *("not-stored", "warning", "gateway", NotStored, _not_stored),
        "A message could not be stored",
        "One message of {subject} is kept as evidence only, and has no receipt: {detail}. If no"
        " upgrade is running, the register has a fault: see the log of ingest",
        counted="count",
    ),
    Rule(
        *("disputed", "warning", "event", Told, _disputed),
        "Something was told that cannot be",
        "Event {subject} ({what}) cannot have befallen one of its articles ({verdicts}):"
        " {articles}",
        counted="count",
    ),
    Rule(
        *("received-by-other", "critical", "event", Told, _received_by_other),
        "Somebody received what was not sent to them",
        "Event {subject} ({what}), told by {reporter}: one article was not on its way to them:"
        " {articles}",
        counted="count",
    ),
    Rule(
        *("seen-after-end", "critical", "article", Told, _seen_after_end),
        "Seen after it was destroyed or exported",
        "Event {event} ({what}) tells of {subject}, which is {before}. Place: {place}",
    ),
    Rule(
        *("elsewhere", "warning", "event", Told, _elsewhere),
        "At a place where it should not be",
        "Event {subject} ({what}) tells of an article at {place}, a place of {owner}, which"
        " {holders} should have: {articles}",
        counted="count",
    ),
    Rule(
        *("too-far", "critical", "article", Told, _too_far),
        "In two places at once",
        "{subject} was at {place} (event {event}) and at {other_place} (event {other_event}):"
        " {km} km within a minute",
        counted="minutes",
    ),
    Rule(
        *("block-too-fast", "warning", "block", UsedBlock, _block_too_fast),
        "Numbers are used up too fast",
        "Block {subject} of order {order} at {gateway}: its one number was used up within"
        " {seconds} s",
        counted="size",
    ),
    Rule(
        *("overdue", "warning", "consignment", Overdue, _overdue),
        "A consignment is overdue",
        "Consignment {subject} ({direction}) was to arrive at {planned_arrival}; it is {state}",
    ),
    Rule(
        *("received-short", "critical", "consignment", Received, _received_short),
        "A consignment came short",
        "Consignment {subject} from {sender} to {recipient}: one of its articles did not come."
        " Who had it last: {last}",
        counted="count",
    ),
    Rule(
        *("count-missing", "critical", "count", Missing, _count_missing),
        "Weapons or ammunition are missing",
        "Count {subject} at {place} of {entity}: a weapon is missing and, of loose pieces,"
        " {pieces}: {articles}",
        counted="count",
    ),
    Rule(
        *("count-overdue", "warning", "count", OverdueCount, _count_overdue),
        "A count is overdue",
        "Count {subject} at {place} was to be closed by {due}; it is {state}",
    ),
    Rule(
        *("scan-refused", "warning", "device", RefusedScan, _scan_refused),
        "Scans became no events",
        "{subject} scanned what becomes no event, record {record}: {code}: {detail}",
    ),
    Rule(
        *("gateway-silent", "warning", "gateway", Heard, _gateway_silent),
        "A gateway is silent",
        "{subject} was heard of last at {since}",
    ),
    Rule(
        *("gateway-behind", "warning", "gateway", Backlog, _gateway_behind),
        "The records of a gateway do not arrive",
        "{subject} is heard from, but one record has waited there since {since} and does not"
        " arrive",
        counted="waiting",
    ),
    Rule(
        *("clock-off", "warning", "gateway", ClockRead, _clock_off),
        "A gateway's clock is off",
        "{subject} wrote record {record} by a clock that is {seconds} s ahead of the register's"
        " time (below zero: behind). Set its clock",
    ),
    Rule(
        *("gateway-latched", "critical", "gateway", LatchedGateway, _gateway_latched),
        "A gateway is latched",
        "{subject} marks no more in epoch {epoch} ({latches}). Find the cause, then enrol it anew",
    ),
    Rule(
        *("journal-full", "critical", "gateway", LatchedGateway, _stopped_by("journal-full")),
        "The disk of a gateway is full",
        "{subject} marks no more: its journal has no room (epoch {epoch}). Make room on its disk",
    ),
    Rule(
        *("guard-silent", "critical", "gateway", LatchedGateway, _stopped_by("guard-silent")),
        "A gateway's guard does not answer",
        "{subject} marks nothing new: the medium of its journal's guard does not answer (epoch"
        " {epoch}). Change the medium",
    ),
    Rule(
        *("journal-forked", "critical", "gateway", ForkedJournal, _journal_forked),
        "A journal went on in two places",
        "Two copies of the journal of {subject}, epoch {epoch}, marked at {stations}. One number"
        " may stand on two parts: {uiis}",
        counted="count",
    ),
    Rule(
        *("register-older", "critical", "register", OlderRegister, _register_older),
        "The register is older than it was",
        "A backup was put in the register's place, and nobody declared it: {detail}. Nothing is"
        " taken in, issued or answered until somebody runs: gjurma-central declare-restore",
    ),
    Rule(
        *("claims-more", "warning", "gateway", ClaimedRecords, _claims_more),
        "A gateway claims more than the register holds",
        "{subject} says that the register confirmed {claimed} records of epoch {epoch}; it holds"
        " {held}. If the register was restored from a backup, run: gjurma-central declare-restore",
    ),
    Rule(
        *("look-failed", "critical", "register", FailedLook, _look_failed),
        "The watch cannot look at everything",
        "The watch cannot look at what follows, and raises no alert of it: {look} ({detail}). Read"
        " the log of watch, and update the register",
    ),
    Rule(
        *("balance-open", "critical", "order", CountedOrder, _balance_open),
        "The mass balance does not close",
        "Order {subject}: one number is not accounted for, of {issued} issued",
        counted="unaccounted",
    ),
    Rule(
        *("lot-balance-open", "warning", "lot", CountedLot, _lot_balance_open),
        "The balance of a lot does not close",
        "Lot {subject}: of {filled} filled, one piece is told of that there never was. Movements in"
        " dispute: {disputed}",
        counted="short",
    ),
)
BY_CODE: Mapping[RuleCode, Rule] = {rule.code: rule for rule in RULES}


def judge(looked: Iterable[Looked], limits: Limits) -> list[Finding]:
    """Every case of every rule; what an event told of its articles is judged together."""
    found = []
    for which, group in groupby(looked, _together):
        about = tuple(group)
        asked: tuple[Any, ...] = (about,) if isinstance(which, str) else about
        for rule in RULES:
            if not isinstance(about[0], rule.looks_at):
                continue
            for each in asked:
                found += [
                    Finding(rule.code, rule.severity, rule.about, subject, cause, facts)
                    for subject, cause, facts in rule.cases(each, limits)
                ]
    return found


def _together(looked: Looked) -> str | type[Looked]:
    return looked.event if isinstance(looked, Told) else type(looked)

"""Two tallies beside what was expected: what is true of each thing. Pure.

    first = seen(scans)                     # what lies in a closed package is seen with it
    result, event = judge(Thing(...))

Each thing that was expected or seen is of one result. What was told of it since the count was
opened counts by its time: what had left is not missing, and what had come is not odd.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from central.register.stock.models import Result


@dataclass(frozen=True)
class Scan:
    """What a tally saw. `direct`: itself, and not with the `package` that it lay in. `part`: it is
    built into that. `opened`: a package whose pieces are scanned one by one."""

    code: str
    at: datetime
    direct: bool = True
    opened: bool = False
    package: str | None = None
    part: bool = False


def seen(scans: Iterable[Scan]) -> dict[str, datetime]:
    """By code, when it was seen, by itself or with a package that stayed closed.

    A package is open where it was told, and where a piece of it was scanned by itself.
    """
    found = {scan.code: scan for scan in scans}
    opened = {scan.code for scan in found.values() if scan.opened}
    opened |= {
        scan.package
        for scan in found.values()
        if scan.direct and scan.package is not None and not scan.part
    }
    covered: dict[str, bool] = {}

    def is_seen(code: str) -> bool:
        scan = found.get(code)
        if scan is None or scan.direct:
            return scan is not None
        if code not in covered:
            covered[code] = False  # nothing is seen by lying in itself
            package = str(scan.package)
            whole = scan.part or package not in opened
            covered[code] = whole and is_seen(package)
        return covered[code]

    return {code: scan.at for code, scan in found.items() if is_seen(code)}


@dataclass(frozen=True)
class Step:
    """Something that was told of a thing since the count was opened: whether it was here then."""

    at: datetime
    event: str
    here: bool


@dataclass(frozen=True)
class Thing:
    """`expected`: it is to be counted, and was here when the count was opened. `here`: it was, as
    the register had it, to be counted or not. `third`: whether the third look found it."""

    expected: bool
    here: bool
    first: datetime | None = None
    second: datetime | None = None
    third: bool | None = None
    steps: tuple[Step, ...] = ()


def judge(thing: Thing) -> tuple[Result, str | None]:
    """The result, and the event that explains it, where one does."""
    changes = list(_changes(thing))
    event = changes[-1].event if changes else None
    if thing.third is not None:
        here = changes[-1].here if changes else thing.here
        if thing.third:
            return (_right(thing) if here else "unexpected"), None
        if here:
            return "missing", None
        return ("moved", event) if changes else ("absent", None)
    times = [at for at in (thing.first, thing.second) if at is not None]
    if changes:
        if all(_here_at(thing, changes, at) for at in times):
            return "moved", event
        return ("unexpected" if len(times) == 2 else "disagreed"), None
    if thing.here and not thing.expected:
        return "out-of-scope", None
    if len(times) == 1:
        return "disagreed", None
    if times:
        return (_right(thing) if thing.here else "unexpected"), None
    return "missing", None


def _right(thing: Thing) -> Result:
    return "present" if thing.expected else "out-of-scope"


def _changes(thing: Thing) -> Iterable[Step]:
    """The steps by which it came or left."""
    here = thing.here
    for step in thing.steps:
        if step.here != here:
            yield step
        here = step.here


def _here_at(thing: Thing, changes: Collection[Step], at: datetime) -> bool:
    here = thing.here
    for step in changes:
        if step.at <= at:
            here = step.here
    return here


@dataclass(frozen=True)
class Quantity:
    """Pieces of a lot. `expected` when the count was opened; `now`: with what was told since. What
    a tally did not tell of, it did not find."""

    expected: int
    now: int
    first: int | None = None
    second: int | None = None
    third: int | None = None

    @property
    def found(self) -> int | None:
        """So many there are; None where the two disagree."""
        if self.third is not None:
            return self.third
        return (self.first or 0) if (self.first or 0) == (self.second or 0) else None


def judge_quantity(quantity: Quantity) -> Result:
    """By the pieces that were found."""
    found = quantity.found
    if found is None:
        return "disagreed"
    if found == quantity.expected:
        return "present" if found or quantity.now else "absent"
    if found == quantity.now:
        return "moved"
    return "missing" if found < quantity.expected else "unexpected"

"""What the demo's exit code tells of: whatever the metal and the register do not agree on.

Pure: from what was counted and from what met each line.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from simulators.demo.audit import Audit
from simulators.demo.shift import Line

LEAST_GOOD = 0.95
EXPECTED_FAULTS = {
    "kill-armed": 10,
    **dict.fromkeys(
        (
            *("kill-marked", "swap", "old-piece", "faint", "blind", "stale"),
            *("kill-between", "exchange", "carton"),
            *("flip", "drop", "delay", "cut", "double", "split"),
            *("cut-broker", "kill-ingest", "kill-broker", "suspend-licence"),
        ),
        3,
    ),
}
"""Every kind of fault, and how often it has to have landed at least; in a small run once."""


def on_metal(counted: Audit, lines: Sequence[Line]) -> list[str]:
    """What may never be, whatever went wrong."""
    laid = {piece: name for line in lines for piece, name in line.laid.items()}
    return [
        *(f"lost: {content!r} is on metal and not in the register" for content in counted.lost),
        *(f"doubled: {what}" for what in counted.doubled),
        *(
            f"{each.content!r} is {' and '.join(each.flags)}, says the register"
            for each in counted.places
            if each.flags
        ),
        *(
            f"{each.content!r} is on piece {each.place[0]}, which is a {laid[each.place[0]]}"
            for each in counted.places
            if laid.get(each.place[0], each.component) != each.component
        ),
    ]


def without_faults(counted: Audit) -> list[str]:
    """Then every piece is good."""
    return [
        f"{each.content!r} is {each.state}, without any fault"
        for each in counted.places
        if each.state != "good"
    ]


def with_faults(
    counted: Audit,
    lines: Sequence[Line],
    faults: Counter[str],
    *,
    small: bool = False,
    spoiled: Collection[int] = (),
) -> list[str]:
    """Nearly all are good, the others by a fault that met a piece of theirs, or with a mark on one
    of the `spoiled` pieces; every kind landed.
    """
    good = counted.count("good")
    bad = {*spoiled, *(piece for line in lines for piece in line.traced)}
    met = {each.uii for each in counted.places if each.place[0] in bad}
    enough = good >= LEAST_GOOD * counted.engraved
    expected = dict.fromkeys(EXPECTED_FAULTS, 1) if small else EXPECTED_FAULTS
    return [
        *([] if enough else [f"only {good} of {counted.engraved} engraved pieces are good"]),
        *(
            f"{each.content!r} is {each.state} and no fault met its pieces: {each.place}"
            for each in counted.places
            if each.state != "good" and each.uii not in met
        ),
        *(
            f"{name} landed {faults[name]} times, at least {least} were to"
            for name, least in expected.items()
            if faults[name] < least
        ),
    ]

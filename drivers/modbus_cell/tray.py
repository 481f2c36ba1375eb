"""What a cell's report says of each position of a tray; pure."""

from collections.abc import Mapping

from drivers.modbus_cell.codec import Place, Report, Result
from drivers.protocols import Did, Outcome


def outcome_of_tray(report: Report, result: int, texts: Mapping[int, bytes] | None) -> Outcome:
    """The outcome of a tray's shot that is over, with one word for each position.

    `result` is register 105, not 0; `texts` by position is what was asked for, or None where a
    former process asked: then every position of the map is named, those left alone as not started.
    A cell that contradicts itself or what was asked for is believed in nothing.
    """
    if texts is not None and report.marks != len(texts):
        return Outcome(Did.UNKNOWN, f"{report.marks} positions reported, {len(texts)} asked for")
    places: dict[int, Did] = {}
    causes = []
    for position, place in enumerate(report.places, start=1):
        text = None if texts is None else texts.get(position)
        if texts is not None and text is None:
            if place.result != Result.NONE:
                return Outcome(
                    Did.UNKNOWN, f"position {position} was not asked for, and is reported"
                )
            continue
        places[position], cause = _of_place(place, text)
        if cause and (texts is not None or place.result != Result.NONE):
            causes.append(f"position {position} {cause}")
    done = sum(did is Did.DONE for did in places.values())
    begun = sum(did is not Did.NOT_STARTED for did in places.values())
    if begun > report.marks or (result == Result.OK and begun < report.marks):
        return Outcome(Did.UNKNOWN, f"result {result} contradicts what its positions say")
    whole = Did.DONE if done == report.marks else Did.UNKNOWN
    did = whole if begun else Did.NOT_STARTED
    return Outcome(did, ", ".join(causes), places=tuple(places.items()))


def _of_place(place: Place, text: bytes | None) -> tuple[Did, str]:
    """What became of one position, and why not done."""
    match place.result:
        case Result.NONE:
            return Did.NOT_STARTED, "not started"
        case Result.OK if text is None or place.shows(text):
            return Did.DONE, ""
        case Result.OK:
            return Did.UNKNOWN, "has another text, by its echo"
        case Result.FAILED:
            return Did.UNKNOWN, "failed half-way"
        case _:
            return Did.UNKNOWN, f"result {place.result}"

"""What the frames of a Panasonic marker mean to a person, in both command modes."""

from drivers.panasonic_lp.codec import (
    CAUSES,
    Accepted,
    Answer,
    Command,
    Format,
    MalformedError,
    Message,
    Mode,
    Refused,
    Splitter,
    decode,
)

_NAMES = {
    "FNO": "job",
    "LSR": "laser pumping",
    "MKM": "reception",
    "MRK": "trigger: marks",
    "MST": "end of marking",
    "RSM": "command mode",
    "SHT": "shutter",
    "SIN": "text for one shot: arms",
    "STS": "status",
}
_MODES: tuple[Mode, ...] = ("compatible", "standard")
_FORMS = [Format(checksum, mode=mode) for checksum in (True, False) for mode in _MODES]


def explain(data: bytes, sent: bool) -> str:
    """What the whole frames in `data` mean to a person; empty where nothing is known."""
    told = []
    for frame in Splitter(Format()).feed(data):
        for form in _FORMS:
            try:
                message = decode(frame, form)
            except MalformedError:
                continue
            told.append(_meaning(message))
            break
    return "; ".join(told)


def _meaning(message: Message) -> str:
    match message:
        case Accepted(name):
            return f"{_NAMES.get(name, name)} accepted".strip()
        case Refused(cause):
            return f"refused: {CAUSES.get(cause, cause)}"
        case Command(name, sub):
            return f"{_NAMES.get(name, name)}{'?' if sub == 'R' else ''}"
        case Answer(name, data):
            # What compatible mode would call an empty answer is the standard mode's acceptance.
            return f"{_NAMES.get(name, name)} {f'is {data}' if data else 'accepted'}"

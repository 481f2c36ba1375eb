"""Facts of the register as the pages say them: moments, marks, symbols, what a record says."""

from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup

from central.queries.models import LifeEntry
from central.screens.texts import Texts
from gateway.design import drawing

ZONE = ZoneInfo("Europe/Tirane")


def item_path(uii: str) -> str:
    return "/items/" + quote(uii)


def thing_path(code: str) -> str:
    """The page of whatever this is: of what the register marked too."""
    return "/articles/" + quote(code)


def drawn(content: str, lines: tuple[str, ...]) -> Markup | None:
    """A mark; None where no Data Matrix holds its content."""
    try:
        return Markup(drawing.draw(content, lines).decode())  # noqa: S704 - it escapes the lines
    except (drawing.NoSymbol, UnicodeEncodeError):
        return None


def moment(value: datetime | None) -> str:
    """Date and time of day at Tirana, to the second."""
    return "–" if value is None else value.astimezone(ZONE).strftime("%d.%m.%Y %H:%M:%S")


_NAMES = {"\x1e": "‹RS›", "\x1d": "‹GS›", "\x04": "‹EOT›"}


def visible(text: str) -> str:
    """The control characters of a symbol's content by their names: not every font has ␞ ␝ ␄."""
    return "".join(_NAMES.get(c, f"‹{ord(c):02X}›") if ord(c) < 32 else c for c in text)


def typed(text: str) -> str:
    """A symbol's content as it is typed: the names of control characters stand for them."""
    for character, name in _NAMES.items():
        text = text.replace(name, character)
    return text


def kind_of(entry: LifeEntry) -> str:
    """What a record is, as the pages call it: its type, or what people signed for by it."""
    says = entry.says or {}
    if entry.type == "unlatched" and says.get("of"):
        return "first piece approved"
    if entry.type == "observed" and says.get("shift"):
        return "shift ended"
    return entry.type or "unreadable"


def said(entry: LifeEntry, t: Texts) -> list[tuple[str, str]]:
    """What a record says, as (label, words), for the people who read an item's life."""
    facts = entry.says or {}
    told: list[tuple[str, str]] = []

    def add(label: str, value: object) -> None:
        if value not in (None, "", [], ()):
            told.append((t(label, "fact"), str(value)))

    for mark in facts.get("marks", []):
        add("content", visible(mark["content"]))
        add("order", mark["order"])
        add("quantity", mark.get("quantity"))
        if (mark.get("readback") or {}).get("first"):
            add("first piece", t("a second person approves it before the next one"))
        source = mark["source"]
        if source["kind"] == "block":
            add("number", f"{source['number']} · {source['space']}")
        else:
            of = source["of"]
            add("repeats", f"{of['gateway']}/{of['epoch']}/{of['seq']}")
    for result in facts.get("results", []):
        add("outcome", t(result["did"], "did"))
        add("cause", result["cause"])
    if entry.type == "verified":
        add("read", visible(facts["content"]) if facts.get("content") else None)
        add("entry", t(facts["entry"], "entry"))
        add("grade", facts["grade"])
        add("picture", facts.get("picture"))
    shift = facts.get("shift") or {}
    for tally in shift.get("orders", []):
        add("order", tally["order"])
        states = tally["states"].items()
        add("by the journal", ", ".join(f"{t(state, 'state')} {n}" for state, n in states))
        hand = tally["counted"].items()
        add("by hand", ", ".join(f"{t(lies, 'lies')} {n}" for lies, n in hand))
    add("trial shots", shift.get("trials"))
    add("shift lead", ", ".join(shift.get("witnesses", [])))
    add("reason", shift.get("reason"))
    add("reason", facts.get("reason"))
    add("witnesses", ", ".join(facts.get("witnesses", [])))
    return told

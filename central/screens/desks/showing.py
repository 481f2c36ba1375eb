"""What the interface told, as a page shows it: words, moments, links, tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

from central.register.articles.models import Verdict
from central.screens import kept
from central.screens.desks.marking import component
from central.screens.desks.table import BY_NAME
from central.screens.texts import Texts
from central.screens.words import item_path, moment, thing_path, visible

Shape: TypeAlias = Literal["nothing", "text", "number", "tag", "link", "several", "facts", "table"]
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_TAGS = frozenset({"state", "severity", "result", "link", "verdict", "standing", "overdue"})
"""What is looked for in a list stands out: as a word in a shape."""
TONES: Mapping[str, str] = {
    # What was told of a thing and cannot be: a person looks at it.
    **dict.fromkeys(get_args(Verdict), "attention"),
    **dict.fromkeys(("active", "released", "passed", "online", "resolved", "closed"), "good"),
    **dict.fromkeys(("ok", "done", "received", "completed", "complete", "confirmed"), "good"),
    **dict.fromkeys(("approved", "finished"), "good"),
    **dict.fromkeys(("critical", "revoked", "failed", "short", "missing", "withdrawn"), "bad"),
    **dict.fromkeys(("fault", "same"), "bad"),
    **dict.fromkeys(("suspended", "paused", "warning", "silent", "escalated", "true"), "attention"),
    **dict.fromkeys(("raised", "undecided", "refused", "disputed", "overdue"), "attention"),
    **dict.fromkeys(("held", "offline", "imposed", "unexpected", "disagreed"), "attention"),
    **dict.fromkeys(("draft", "applied", "planned", "open", "reported", "dispatched"), "info"),
    **dict.fromkeys(("begun", "found", "counted", "awaited"), "info"),
    # What is in force here is not what one wishes for, and to withdraw is no fault of anybody's.
    "exclusions active": "attention",
    "certificates issued": "good",
    "proposals withdrawn": "",
}
"""By code, or by desk and code where it means another thing there; what is not here is said in a
word alone."""
LEADS_TO: Mapping[str, str] = {
    **dict.fromkeys(
        ("entity", "entities", "producer", "sender", "recipient", "carrier"), "entities"
    ),
    **dict.fromkeys(("holder", "reporter", "end_user"), "entities"),
    **dict.fromkeys(("licence", "transport_licence", "licences"), "licences"),
    "product": "products",
    "products": "products",
    "gateway": "gateways",
    "gateways": "gateways",
    "inspection": "inspections",
    "follows": "inspections",
    "exclusion": "exclusions",
    **dict.fromkeys(("place", "parent", "site", "places", "sites"), "places"),
    "consignment": "consignments",
    "order": "orders",
    "order_code": "orders",
}
"""By the name of a field, the desk whose key it holds."""
_ITEMS = frozenset({"uii", "items"})
_ARTICLES = frozenset({"article", "articles", "weapons", "package"})
"""An item, a package, or something of before: one page tells what it is."""
_RECORD = frozenset({"gateway", "epoch", "seq"})
"""What names a record anywhere."""
_NAMES = frozenset({"key", "account", "by", "name", "person"})
"""Who or what, by name: that is no code, whatever it looks like."""
_WORDS_OF_PEOPLE = frozenset({"reason", "basis", "remark", "said", "text"})
"""What somebody wrote is told as it stands, though it were a code."""
_SAID_AS = {"what": "act"}
"""By the name of a field, under which context its codes are said, where that has another name."""
_NO_AMOUNT = frozenset({"year", "epoch", "seq", "committed", "incarnation", "id", "first", "last"})
"""Numbers that count nothing are read as they are written."""
_SKIPPED = frozenset({"version", "yours", "for_you"})
"""What is for programs."""
_KEPT = frozenset({"refusals", "evidence"})
"""Desks whose rows say in English why they are there."""
_ABOVE = frozenset({"state"})
"""What stands beside the name of one."""
WIDE: frozenset[Shape] = frozenset({"facts", "table"})
"""What has a place of its own on the page of one."""


@dataclass(frozen=True)
class Shown:
    """A value. `text`: what is read; `path`: where it leads to; `tone`: of a tag; `parts`: of
    `several` each, of `facts` by label; `heads`, `rows` and `numbers`: of a table."""

    shape: Shape
    text: str = ""
    path: str = ""
    tone: str = ""
    parts: tuple["Shown", ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[tuple["Shown", ...], ...] = ()
    numbers: tuple[bool, ...] = ()


NOTHING = Shown("nothing")


def numbers(rows: Sequence[Sequence[Shown]]) -> tuple[bool, ...]:
    """By column, whether it holds numbers: its head stands where they do."""
    return tuple(
        any(cell.shape == "number" for cell in column)
        and all(cell.shape in ("number", "nothing") for cell in column)
        for column in zip(*rows, strict=True)
    )


@dataclass(frozen=True)
class Teller:
    """Shows values in one language; `d` holds the words of fields (`field`, or `acts field` where
    they mean another thing at the desk of acts) and codes (likewise by the field's name, else
    `value`).
    `feminine`: what is told of is so in Albanian, and its state with it (`value f`)."""

    d: Texts
    feminine: bool = False
    desk: str = ""

    def label(self, name: str) -> str:
        own = f"{self.desk} field"
        return self.d(name, own if self.d.has(name, own) else "field")

    def value(self, name: str, value: Any) -> Shown:
        """`name`: the field's that holds it."""
        if value is None or value in ("", [], {}):
            return NOTHING
        if isinstance(value, bool):
            told = str(value).lower()
            tone = TONES.get(told, "") if name in _TAGS and value else ""
            return Shown("tag" if tone else "text", self.d(told, "value"), tone=tone)
        if isinstance(value, int | float):
            return Shown("number", str(value) if name in _NO_AMOUNT else self.number(value))
        if isinstance(value, Mapping) and value.keys() == _RECORD:
            key = f"{value['gateway']}/{value['epoch']}/{value['seq']}"
            return Shown("link", key, f"/records/{key}")
        if isinstance(value, Mapping):
            shown = {key: self.value(key, each) for key, each in value.items()}
            kept = {key: each for key, each in shown.items() if each.shape != "nothing"}
            if not kept:
                return NOTHING
            labels = tuple(self.label(key) for key in kept)
            return Shown("facts", heads=labels, parts=tuple(kept.values()))
        if isinstance(value, Sequence) and not isinstance(value, str):
            return self._several(name, value)
        return self._text(name, str(value))

    def number(self, value: float) -> str:
        """With a space between thousands; before what is less than one a comma, or a point."""
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.6f}".rstrip("0").rstrip(".")
        text = text.replace(",", "\u202f")
        return text if self.d.language == "en" else text.replace(".", ",")

    def facts(self, item: Mapping[str, Any]) -> list[tuple[str, Shown]]:
        """What is said of one, in the order in which the interface tells it."""
        found = [
            (self.label(name), self.value(name, value))
            for name, value in item.items()
            if name not in _SKIPPED | _ABOVE
        ]
        return [each for each in found if each[1].shape != "nothing"]

    def _several(self, name: str, values: Sequence[Any]) -> Shown:
        if not isinstance(values[0], Mapping):
            return Shown("several", parts=tuple(self.value(name, each) for each in values))
        names = list(dict.fromkeys(key for each in values for key in each if key not in _SKIPPED))
        rows = [tuple(self._cell(key, each.get(key)) for key in names) for each in values]
        kept = [at for at, _ in enumerate(names) if any(row[at] != NOTHING for row in rows)]
        if not kept:
            return NOTHING
        shown = tuple(tuple(row[at] for at in kept) for row in rows)
        heads = tuple(self.label(names[at]) for at in kept)
        return Shown("table", heads=heads, rows=shown, numbers=numbers(shown))

    def _cell(self, name: str, value: Any) -> Shown:
        """Within a table there is no room for another."""
        shown = self.value(name, value)
        return replace(shown, shape="several") if shown.shape == "facts" else shown

    def _text(self, name: str, text: str) -> Shown:
        if _MOMENT.match(text):
            try:
                return Shown("text", moment(datetime.fromisoformat(text)))
            except ValueError:
                pass
        if name == "detail" and self.desk in _KEPT:
            return Shown("text", kept.in_words(text, self.d.language))
        if name == "latches":  # a latch may name what it is of
            code, colon, of = text.partition(":")
            return Shown("tag", self.d(code, "latch") + (f" ({of})" if colon else ""), tone="bad")
        of_it = "value f" if self.feminine and name == "state" else _SAID_AS.get(name, name)
        own = f"{self.desk} {name}"
        nearest = (own,) if name in _WORDS_OF_PEOPLE else (own, of_it, "value")
        context = next((each for each in nearest if self.d.has(text, each)), "")
        said = self.d(text, context) if context else None
        if name in _TAGS and said:
            return Shown("tag", said, tone=TONES.get(f"{self.desk} {text}", TONES.get(text, "")))
        if name in LEADS_TO:
            return Shown("link", text, BY_NAME[LEADS_TO[name]].path_of(text))
        if name in _ITEMS:
            return Shown("link", visible(text), item_path(text))
        if name == "component":
            return Shown("text", component(text, self.d.language))
        if name in _ARTICLES:
            return Shown("link", visible(text), thing_path(text))
        if name == "lot":
            return Shown("text", visible(text))
        return Shown("text", visible(text) if name in _NAMES or not said else said)

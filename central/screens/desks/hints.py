"""What stands beside a form's field for who has never seen it: what to write, and in which form."""

from collections.abc import Iterator
from dataclasses import dataclass

from central.screens.desks.dates import ENDS
from central.screens.desks.fields import Field
from central.screens.desks.showing import LEADS_TO
from central.screens.desks.table import Desk
from central.screens.texts import Texts

_USUAL = {
    "lines": "One to a line.",
    "moment": "Such as 26.11.2026 14:30, at Tirana.",
    "day": "Such as 26.11.2026.",
    "digest": "64 signs, 0–9 and a–f, which no other document has.",
}
"""By kind, where nothing else is to be said."""


@dataclass(frozen=True)
class Hints:
    """Of the fields of one step's form. A text under `hint` may be for a desk, or for one step of
    it, and name a field by its place in the body (`orders verify.reason`) or by its label alone."""

    d: Texts
    desk: Desk
    step: str

    def of(self, field: Field) -> str:
        """Empty where there is nothing to say."""
        for key in self.keys(field):
            if self.d.has(key, "hint"):
                return self.d(key, "hint")
        if field.kind in ("text", "lines") and field.label in LEADS_TO:
            return self._as_listed(field)
        if field.kind == "text" and self.step == "new" and field.name in self.desk.key:
            return self.d("Letters without ë or ç, digits, points and dashes. It stays for good.")
        if field.kind == "moment" and field.label in ENDS:
            return self.d("Such as 26.11.2026 14:30, at Tirana. A day alone lasts to its end.")
        usual = _USUAL.get(field.kind)
        return self.d(usual) if usual else ""

    def keys(self, field: Field) -> Iterator[str]:
        """By which a text is looked for, the nearest first."""
        for name in dict.fromkeys((field.name, field.label)):
            yield f"{self.desk.name} {self.step} {name}"
            yield f"{self.desk.name} {name}"
        yield field.label

    def _as_listed(self, field: Field) -> str:
        where = self.d(LEADS_TO[field.label], "desk")
        if field.kind == "lines":
            return self.d("As they stand in the list “{desk}”, one to a line.", desk=where)
        return self.d("As it stands in the list “{desk}”.", desk=where)

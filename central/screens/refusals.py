"""What the register says in refusing, in the language of who reads the page.

The interface's own problem documents say it in English: a desk, which asks the interface within
this process, is given what they were made of besides (`LISTENING`), and a page that met one has it.
"""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from central import said
from central.errors import GjurmaError
from central.register.inspections import rules as inspections
from central.screens import texts
from central.screens.texts import Language, Texts
from central.screens.words import moment

LISTENING = "gjurma.refusal"
"""In an ASGI scope: a `Heard`."""
_CONTEXTS = {
    "value": ("value f", "value"),
    "field": ("field",),
    inspections.STATE: (inspections.STATE, "value f", "value"),
}
"""Of words that the desks have in their own catalogue."""
_OF_SCREENS = frozenset({"component", "how", "reason", "role", "state", "type", "verdict"})
"""Of words that the other pages have in theirs."""


@dataclass
class Heard:
    """What was refused, before it becomes English. `error`: what was answered; `beside`: by fault
    of the answer, what was said of it, where we said it; `found`: faults of which it tells without
    refusing."""

    error: GjurmaError | None = None
    beside: Sequence[str | None] = ()
    found: Sequence[str] = ()


def listening(scope: MutableMapping[str, Any]) -> Heard:
    """Who listens to what becomes of a request; where nobody does, what nobody hears."""
    found = scope.get(LISTENING)
    return found if isinstance(found, Heard) else Heard()


@dataclass(frozen=True)
class _Reader:
    """A language, for `said.told_in`."""

    refusals: Texts
    desks: Texts
    screens: Texts

    def words(self, message: str, context: str = "") -> str | None:
        if context in _CONTEXTS:
            found = (c for c in _CONTEXTS[context] if self.desks.has(message, c))
            return next((self.desks.raw(message, c) for c in found), None)
        catalogue = self.screens if context in _OF_SCREENS else self.refusals
        return catalogue.raw(message, context) if catalogue.has(message, context) else None

    def counting(self, message: str, n: int) -> str | None:
        return self.refusals.form(message, n) if message in self.refusals.several else None

    def value(self, value: object) -> object:
        return moment(value) if isinstance(value, datetime) else value


@cache
def _reader(language: Language) -> _Reader:
    return _Reader(
        texts.load(language, "refusals"), texts.load(language, "desks"), texts.load(language)
    )


def in_words(error: GjurmaError, language: Language) -> str | None:
    """None where it is told in English alone."""
    return sentence_in_words(error.args[0] if error.args else None, language)


def sentence_in_words(sentence: object, language: Language) -> str | None:
    """None where it is in English alone."""
    return said.told_in(sentence, _reader(language))


def each_in_words(sentence: str | None, language: Language) -> tuple[str, ...]:
    """The same one by one, and in English what of it is told in that alone; nothing where all is,
    or where nothing was said."""
    parts = () if sentence is None else said.one_by_one(sentence)
    told = [said.told_in(each, _reader(language)) for each in parts]
    if all(each is None for each in told):
        return ()
    return tuple(part if each is None else each for each, part in zip(told, parts, strict=True))

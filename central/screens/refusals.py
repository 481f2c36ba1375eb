"""What the register says in refusing, in the language of who reads the page.

The interface's own problem documents say it in English: a desk, which asks the interface within
this process, is given the error itself besides (`LISTENING`), and a page that met one has it.
"""

from dataclasses import dataclass
from datetime import datetime

from central import said
from central.errors import GjurmaError
from central.screens import texts
from central.screens.texts import LANGUAGES, Language, Texts
from central.screens.words import moment

LISTENING = "gjurma.refusal"
"""In an ASGI scope: a list that takes the error which was answered."""
_CONTEXTS = {"value": ("value f", "value"), "field": ("field",)}
"""Of words that the desks have in their own catalogue."""


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
        catalogue = self.screens if context == "reason" else self.refusals
        return catalogue.raw(message, context) if catalogue.has(message, context) else None

    def value(self, value: object) -> object:
        return moment(value) if isinstance(value, datetime) else value


_READERS = {
    language: _Reader(
        texts.load(language, "refusals"), texts.load(language, "desks"), texts.load(language)
    )
    for language in LANGUAGES
}


def in_words(error: GjurmaError, language: Language) -> str | None:
    """None where it is told in English alone."""
    return said.told_in(error.args[0] if error.args else None, _READERS[language])

"""What a refusal says: in English for programs, and by the message it is made of for pages.

    raise Conflict(said("licence {key} is {state}", key=number, state=Word(state, "value")))

The sentence is a text like any other. Whoever shows it to people asks `told_in` for it in their own
language, out of the catalogue `refusals`, in which every message that is written so has to stand.
"""

from collections.abc import Iterable
from typing import Protocol


class Language(Protocol):
    """What a language says of a message and of a value."""

    def words(self, message: str, context: str = "") -> str | None:
        """With its places not yet filled; None where the catalogues do not have it."""

    def value(self, value: object) -> object:
        """As people write it: a moment, a number."""


class Word(str):
    """A value that is a word too, told in the reader's language. `context`: what kind of word."""

    context: str

    def __new__(cls, value: str, context: str) -> "Word":
        made = super().__new__(cls, value)
        made.context = context
        return made


class Said(str):
    """A sentence that knows what it was made of."""

    message: str
    values: dict[str, object]

    def __new__(cls, message: str, values: dict[str, object]) -> "Said":
        made = super().__new__(cls, message.format(**values))
        made.message, made.values = message, values
        return made


class Several(str):
    """Sentences one after the other."""

    parts: tuple[str, ...]
    between: str

    def __new__(cls, between: str, parts: Iterable[str]) -> "Several":
        kept = tuple(parts)
        made = super().__new__(cls, between.join(kept))
        made.parts, made.between = kept, between
        return made


def said(message: str, **values: object) -> Said:
    """`message`: in English, with its values' names in braces."""
    return Said(message, values)


def joined(between: str, parts: Iterable[str]) -> Several:
    return Several(between, parts)


def told_in(sentence: object, language: Language) -> str | None:
    """The sentence in a language; None where nothing of it has a message, and it is English."""
    if isinstance(sentence, Several):
        told = [told_in(each, language) for each in sentence.parts]
        if all(each is None for each in told):
            return None
        between = language.words(sentence.between) or sentence.between
        return between.join(
            part if each is None else each for each, part in zip(told, sentence.parts, strict=True)
        )
    if isinstance(sentence, Word):
        return language.words(sentence, sentence.context)
    if not isinstance(sentence, Said):
        return None
    message = language.words(sentence.message)
    if message is None:
        return None
    values = {
        name: told_in(value, language) or language.value(value)
        for name, value in sentence.values.items()
    }
    return message.format(**values)

"""What a refusal says: in English for programs, and by the message it is made of for pages.

    raise Conflict(said("licence {key} is {state}", key=number, state=Word(state, "value")))

    raise Conflict(counting(n, "{n} line is open", "{n} lines are open"))

The sentence is a text like any other. Whoever shows it to people asks `told_in` for it in their own
language, out of the catalogue `refusals`, in which every message that is written so has to stand.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol


class Language(Protocol):
    """What a language says of a message and of a value."""

    def words(self, message: str, context: str = "") -> str | None:
        """With its places not yet filled; None where the catalogues do not have it."""

    def counting(self, message: str, n: int) -> str | None:
        """The form of it for so many."""

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
    n: int | None
    """What its form goes by, where it counts; `message` is then that of one."""

    def __new__(cls, message: str, values: dict[str, object]) -> "Said":
        made = super().__new__(cls, message.format(**values))
        made.message, made.values, made.n = message, values, None
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


class Quoting(str):
    """English of another make that has a sentence in it; people are told the sentence alone."""

    sentence: str

    def __new__(cls, english: str, sentence: str) -> "Quoting":
        made = super().__new__(cls, english)
        made.sentence = sentence
        return made


def said(message: str, **values: object) -> Said:
    """`message`: in English, with its values' names in braces."""
    return Said(message, values)


def counting(n: int, one: str, several: str, **values: object) -> Said:
    """`one`, `several`: the message for one and for any other number, `{n}` among its places."""
    told = Said(one if n == 1 else several, {"n": n, **values})
    told.message, told.n = one, n
    return told


def joined(between: str, parts: Iterable[str]) -> Several:
    return Several(between, parts)


def one_by_one(sentence: str) -> tuple[str, ...]:
    """The sentences that stand in one, as far as they can be told apart."""
    if isinstance(sentence, Quoting):
        return one_by_one(sentence.sentence)
    if isinstance(sentence, Several):
        return tuple(one for each in sentence.parts for one in one_by_one(each))
    return (sentence,)


def raised_in(fault: Mapping[str, Any]) -> Said | Several | None:
    """Of a fault that pydantic tells of: what one of our own validators raised `ValueError` with;
    None of what it found itself."""
    error = fault.get("ctx", {}).get("error")
    sentence = error.args[0] if isinstance(error, ValueError) and error.args else None
    return sentence if isinstance(sentence, Said | Several) else None


def told_in(sentence: object, language: Language) -> str | None:
    """The sentence in a language; None where nothing of it has a message, and it is English."""
    if isinstance(sentence, Quoting):
        return told_in(sentence.sentence, language)
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
    if sentence.n is None:
        message = language.words(sentence.message)
    else:
        message = language.counting(sentence.message, sentence.n)
    if message is None:
        return None
    values = {
        name: told_in(value, language) or language.value(value)
        for name, value in sentence.values.items()
    }
    return message.format(**values)

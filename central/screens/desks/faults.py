"""What the interface refused, beside the fields that it speaks of."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from central.screens.desks.asking import Answer
from central.screens.desks.fields import Field


@dataclass(frozen=True)
class Faults:
    """`beside`: by a field's name, what is wrong with it, as a code of the catalogues and in words.
    `title`, `what_to_do`, `detail`: of the whole."""

    title: str
    what_to_do: str
    detail: str
    beside: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    english: bool = True
    """Whether `detail` is in English whatever was asked for."""


def faults(told: Answer, drawn: Sequence[Field]) -> Faults:
    """Of an answer that is none: where no field is named, it is about the whole."""
    names = set(names_of(drawn))
    beside: dict[str, tuple[str, str]] = {}
    rest: list[str] = []
    for at, each in enumerate(told.body.get("faults", ())):
        where = ".".join(str(part) for part in each["where"][1:])
        near = _nearest(where, names)
        said = told.beside[at] if at < len(told.beside) else ()
        if near and not said:
            beside.setdefault(near, (each["code"], each["detail"]))
        for sentence in said:
            name, words = of_field(sentence, names, near)
            if name:
                beside.setdefault(name, ("", words))
            else:
                rest.append(words)
    english = told.told is None and not rest
    if not beside and not rest:
        detail = str(told.body.get("detail", ""))
        for sentence in told.sentences or (told.told or detail,):
            name, words = of_field(sentence, names)
            if name and name not in beside:
                beside[name] = ("", words)
            else:
                rest.append(words)
    return Faults(
        title=str(told.body.get("title", "")),
        what_to_do=str(told.body.get("what_to_do", "")),
        detail="; ".join(rest),
        english=english,
        beside=beside,
    )


def of_field(sentence: str, names: Collection[str], near: str = "") -> tuple[str, str]:
    """A rule of the register names the field that it speaks of: "valid_until: has passed". That
    field, of those within `near` first, and what is said of it; else `near`, and the whole."""
    name, colon, words = sentence.partition(": ")
    if colon:
        for each in (f"{near}.{name}", name):
            if each in names:
                return each, words
    return near, sentence


def names_of(drawn: Sequence[Field]) -> Iterator[str]:
    for each in drawn:
        yield each.name
        yield from names_of(each.parts)


def _nearest(where: str, names: set[str]) -> str:
    """The field, or what it lies in: a line of several is not drawn as a field of its own."""
    while where and where not in names:
        where = where.rpartition(".")[0]
    return where

"""The pages' texts: GNU gettext catalogues, each read once a process."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from babel.messages.pofile import read_po

Language: TypeAlias = Literal["sq", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT: Language = "sq"
OF_PROGRAMS: Language = "en"
"""What the interface answers in where nothing else is wished."""
_LOCALE = Path(__file__).parent / "locale"
_GLUE = "\x04"  # between a context and a message, as gettext's own files have it


@dataclass(frozen=True)
class Texts:
    """One language. Codes of the register stand under a context: `state`, `type`, `verdict`, …"""

    language: Language
    by_key: Mapping[str, str]
    several: Mapping[str, str] = field(default_factory=dict)
    """Of texts that count something, by the same key: for any number but one."""

    def __call__(self, message: str, context: str = "", **values: object) -> str:
        """The text with its places filled; a code that no text names stays as it is."""
        return self.raw(message, context).format(**values)

    def counting(self, n: int, message: str, /, **values: object) -> str:
        """As of a text that says it of one thing, for `n` of them."""
        return self.form(message, n).format(**values)

    def form(self, message: str, n: int) -> str:
        """The text for so many, with its places as they stand."""
        return self.by_key[message] if n == 1 else self.several[message]

    def raw(self, message: str, context: str = "") -> str:
        """The text with its places as they stand."""
        return self.by_key.get(f"{context}{_GLUE}{message}" if context else message, message)

    def has(self, message: str, context: str = "") -> bool:
        return (f"{context}{_GLUE}{message}" if context else message) in self.by_key


def load(language: Language, domain: str = "screens") -> Texts:
    """Return a catalogue of a language; the first use in a process reads its file."""
    return _read(language, domain)


def load_all() -> None:
    """Read every catalogue, so that no request waits for one and a broken file stops the start."""
    for language in LANGUAGES:
        for path in (_LOCALE / language).rglob("*.po"):
            load(language, path.stem)


@cache  # `load` passes both arguments always: one key for one file
def _read(language: Language, domain: str) -> Texts:
    path = _LOCALE / language / "LC_MESSAGES" / f"{domain}.po"
    with path.open("rb") as file:
        catalog = read_po(file, abort_invalid=True)
    by_key: dict[str, str] = {}
    several: dict[str, str] = {}
    for each in catalog:
        if not each.id:
            continue
        one, more = _forms(each.id)[0], _forms(each.string)
        key = f"{each.context}{_GLUE}{one}" if each.context else one
        by_key[key] = more[0]
        if each.pluralizable:
            # Both languages have two forms, and the second is for all but one.
            several[key] = more[1]
    return Texts(language, by_key, several)


def _forms(told: str | Iterable[str] | None) -> tuple[str, ...]:
    return (told,) if isinstance(told, str) else tuple(told or ("",))


def chosen(asked: str | None, kept: str | None) -> Language:
    """What the address asks for, else what the cookie kept, else Albanian."""
    for wish in (asked, kept):
        for language in LANGUAGES:
            if wish == language:
                return language
    return DEFAULT


def wished(accept_language: str | None) -> Language:
    """What an Accept-Language header likes best of what there is, else `OF_PROGRAMS`."""
    best: tuple[float, Language] | None = None
    for part in (accept_language or "").split(","):
        name, _, parameter = part.strip().lower().partition(";")
        for language in LANGUAGES:
            if name.strip().partition("-")[0] == language:
                weight = _weight(parameter)
                if weight > 0 and (best is None or weight > best[0]):
                    best = (weight, language)
    return OF_PROGRAMS if best is None else best[1]


def _weight(parameter: str) -> float:
    """`q=0.8`, or nothing; what is neither weighs nothing."""
    if not parameter.strip():
        return 1.0
    found = re.fullmatch(r"\s*q=([01](?:\.[0-9]{0,3})?)\s*", parameter)
    return float(found[1]) if found else 0.0

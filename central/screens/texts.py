"""The pages' texts: GNU gettext catalogues, read once at start."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from babel.messages.pofile import read_po

Language: TypeAlias = Literal["sq", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT: Language = "sq"
_LOCALE = Path(__file__).parent / "locale"
_GLUE = "\x04"  # between a context and a message, as gettext's own files have it


@dataclass(frozen=True)
class Texts:
    """One language. Codes of the register stand under a context: `state`, `type`, `verdict`, …"""

    language: Language
    by_key: dict[str, str]

    def __call__(self, message: str, context: str = "", **values: object) -> str:
        """The text with its places filled; a code that no text names stays as it is."""
        key = f"{context}{_GLUE}{message}" if context else message
        return self.by_key.get(key, message).format(**values)

    def has(self, message: str, context: str = "") -> bool:
        return (f"{context}{_GLUE}{message}" if context else message) in self.by_key


def load(language: Language) -> Texts:
    """Read a language's catalogue."""
    path = _LOCALE / language / "LC_MESSAGES" / "screens.po"
    with path.open("rb") as file:
        catalog = read_po(file, abort_invalid=True)
    return Texts(
        language,
        {
            f"{each.context}{_GLUE}{each.id}" if each.context else str(each.id): str(each.string)
            for each in catalog
            if each.id
        },
    )


def chosen(asked: str | None, kept: str | None) -> Language:
    """What the address asks for, else what the cookie kept, else Albanian."""
    for wish in (asked, kept):
        for language in LANGUAGES:
            if wish == language:
                return language
    return DEFAULT

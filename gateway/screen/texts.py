"""The screen's texts: one gettext catalogue a language, by stable code.

A message's id is its code, then the places to fill in braces (`say.lost-since {seconds}`), so
that both languages can be held against it.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

LOCALE = Path(__file__).parent / "locale"
LANGUAGES = ("sq", "en")

Texts = Mapping[str, str]
"""By code, the text with its places still in braces."""


@cache
def read_texts(language: str) -> Texts:
    """One language's catalogue; raises OSError or babel's PoFileError if it is not whole."""
    path = LOCALE / language / "LC_MESSAGES" / "screen.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    return {code(message.id): str(message.string) for message in catalogue if message.id}


def code(message_id: object) -> str:
    """The code at the front of a message's id."""
    return str(message_id).partition(" ")[0]


def read_all() -> dict[str, Texts]:
    """Every language's catalogue."""
    return {language: read_texts(language) for language in LANGUAGES}

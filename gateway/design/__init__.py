"""The design system of every screen: where its files lie, its macros' loader, its own words."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from jinja2 import BaseLoader, FileSystemLoader

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
"""Style sheets and the mark; served under any address, they name no other file."""
TEMPLATES = _HERE / "templates"
LOCALE = _HERE / "locale"


class Words:
    """What the components themselves say, in one language; they call it `design`."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts

    def __call__(self, message: str) -> str:
        return self.texts[message]


@cache
def words(language: str) -> Words:
    """Return the catalogue of a language, "sq" or "en"; its file is read once."""
    path = LOCALE / language / "LC_MESSAGES" / "design.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    return Words({str(each.id): str(each.string) for each in catalogue if each.id})


def loader() -> BaseLoader:
    """For `design/components.html` and `design/shapes.html` in a page's own environment."""
    return FileSystemLoader(TEMPLATES)

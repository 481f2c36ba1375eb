"""Where the public pages are, and how a printed licence says that it can be checked there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from central.public.reading import ISSUED
from central.screens import texts
from central.screens.texts import DEFAULT, Language

ROOT = "/public"


def at(language: Language, path: str = "") -> str:
    """The address of a public page in a language: the country's own has no mark."""
    return ROOT + ("" if language == DEFAULT else f"/{language}") + path


def licence_path(number: str, language: Language) -> str:
    """Of the page that says whether it is real."""
    return at(language, "/licences/" + quote(number, safe=""))


@dataclass(frozen=True)
class Check:
    """How everybody learns whether a paper is real: `title` and `says` in words; `address` is
    where, empty where nobody configured how browsers reach this server."""

    title: str
    says: str
    address: str = ""


def of_licence(licence: Mapping[str, Any], language: Language, origin: str) -> Check | None:
    """None of an application: the public register has no such licence."""
    if licence["state"] not in ISSUED:
        return None
    p = texts.load(language, "public")
    title = p("Is this licence real?")
    if not origin:
        says = p("Write its number on the public page of the register: Check a licence.")
        return Check(title, says)
    says = p("Point a phone's camera at the code, or open this address:")
    return Check(title, says, origin + licence_path(licence["number"], language))

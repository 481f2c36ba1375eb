"""What identifies an entity or a product outside the register: patterns, and types for requests.

A pattern says that a text has the form, never that the number was given to anybody. All are in
capitals and ASCII digits: what a person typed otherwise is refused, not guessed.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

NIPT_PATTERN = r"^[A-Z][0-9]{8}[A-Z]$"
"""The Albanian tax number (NIPT, also NUIS): a letter, eight digits, a letter.

Unverified: no text of the law or of the tax administration was read. It is the form that published
validators agree on, of which none knows how the last letter is computed. It stands here only.
"""
NCAGE_PATTERN = r"^[0-9A-HJ-NP-Z]{5}$"
"""NCAGE, or CAGE in the United States: five characters, no I and no O (STANAG 2290)."""
NSN_PATTERN = r"^[0-9]{4}-?[0-9]{2}-?[0-9]{3}-?[0-9]{4}$"
"""NATO stock number: supply class 4, codification bureau 2, item 3 and 4. It has no check digit."""
GS1_COMPANY_PREFIX_PATTERN = r"^[0-9]{4,12}$"
COUNTRY_PATTERN = r"^[A-Z]{2}$"
"""ISO 3166-1 alpha-2, the form alone: which codes are given changes, and no list is kept here."""

ALBANIAN_NCB = "59"
"""Albania's national codification bureau, the fifth and sixth digit of its NSNs."""

_ALBANIAN_NCAGE = re.compile(r"A[0-9A-HJ-NP-Z]{3}H")


def _hyphenated(nsn: str) -> str:
    digits = nsn.replace("-", "")
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:9]}-{digits[9:]}"


Nipt = Annotated[str, Field(pattern=NIPT_PATTERN)]
Ncage = Annotated[str, Field(pattern=NCAGE_PATTERN)]
Nsn = Annotated[str, Field(pattern=NSN_PATTERN), AfterValidator(_hyphenated)]
"""Taken with or without its hyphens; always NNNN-NN-NNN-NNNN once it was checked."""
Gs1CompanyPrefix = Annotated[str, Field(pattern=GS1_COMPANY_PREFIX_PATTERN)]
"""What GS1 gave a company, 4 to 12 digits: its item and logistic numbers begin with it."""
Country = Annotated[str, Field(pattern=COUNTRY_PATTERN)]


def is_albanian(ncage: str) -> bool:
    """Whether an NCAGE is one that Albania gives: A, three characters, H."""
    return _ALBANIAN_NCAGE.fullmatch(ncage) is not None


def is_codified_in_albania(nsn: str) -> bool:
    """Whether a checked `Nsn` was given by Albania's bureau. The item may be made anywhere."""
    return nsn[5:7] == ALBANIAN_NCB


class MilitaryCategory(StrEnum):
    """A category of the Common Military List of the European Union."""

    ML1 = "ML1"
    ML2 = "ML2"
    ML3 = "ML3"
    ML4 = "ML4"
    ML5 = "ML5"
    ML6 = "ML6"
    ML7 = "ML7"
    ML8 = "ML8"
    ML9 = "ML9"
    ML10 = "ML10"
    ML11 = "ML11"
    ML12 = "ML12"
    ML13 = "ML13"
    ML14 = "ML14"
    ML15 = "ML15"
    ML16 = "ML16"
    ML17 = "ML17"
    ML18 = "ML18"
    ML19 = "ML19"
    ML20 = "ML20"
    ML21 = "ML21"
    ML22 = "ML22"


MILITARY_HEADINGS: Mapping[MilitaryCategory, str] = {
    MilitaryCategory.ML1: "Small arms",
    MilitaryCategory.ML2: "Weapons of 20 mm calibre and more",
    MilitaryCategory.ML3: "Ammunition",
    MilitaryCategory.ML4: "Bombs, rockets and missiles",
    MilitaryCategory.ML5: "Fire control",
    MilitaryCategory.ML6: "Ground vehicles",
    MilitaryCategory.ML7: "Chemical, biological, radiological and nuclear (CBRN)",
    MilitaryCategory.ML8: "Energetic materials",
    MilitaryCategory.ML9: "Naval vessels and equipment",
    MilitaryCategory.ML10: "Aircraft and unmanned aerial vehicles",
    MilitaryCategory.ML11: "Electronics and spacecraft",
    MilitaryCategory.ML12: "Kinetic energy weapons",
    MilitaryCategory.ML13: "Armour and protective equipment",
    MilitaryCategory.ML14: "Training equipment",
    MilitaryCategory.ML15: "Imaging and countermeasure equipment",
    MilitaryCategory.ML16: "Forgings, castings and unfinished products",
    MilitaryCategory.ML17: "Miscellaneous equipment and materials",
    MilitaryCategory.ML18: "Production equipment",
    MilitaryCategory.ML19: "Directed energy weapons",
    MilitaryCategory.ML20: "Cryogenic and superconductive equipment",
    MilitaryCategory.ML21: "Software",
    MilitaryCategory.ML22: "Technology",
}
"""What each category is about, in a few words.

Unverified: short headings, not the list's own wording, and not compared with an edition of it. They
stand here only, and decide nothing: what falls under a category, the list itself says.
"""

"""The numbers of units: an SSCC of GS1, or a licence plate of ISO/IEC 15459, and their series.

    SSCC            3 0614141 234567890 5      extension digit, company prefix, serial, check
    licence plate   D A7G1H 0000000001         issuing agency D (NCAGE), the entity's NCAGE, serial

A series is known by what all its numbers begin with: `30614141`, `DA7G1H`. Read: the parts of an
SSCC and its check digit (GS1 General Specifications, 2.2.1 and 7.9), and that D stands for NCAGE
(STANAG 2290). Chosen: ten digits of serial in a licence plate, which keeps it within the twenty
characters that ISO/IEC 15459-1 recommends (unverified).
"""

import re
from typing import Literal

Scheme = Literal["sscc", "licence-plate"]
SSCC = r"[0-9]{18}"
AGENCY_OF_NCAGE = "D"
_BEFORE_CHECK = 17
_PLATE_DIGITS = 10


def check_digit(digits: str) -> str:
    """Of GS1: weighed 3 and 1 in turn, from the right with 3."""
    weighed = sum(int(digit) * (3, 1)[at % 2] for at, digit in enumerate(reversed(digits)))
    return str(-weighed % 10)


def is_sscc(code: str) -> bool:
    """Whether it has the form of one."""
    return re.fullmatch(SSCC, code) is not None


def is_whole(sscc: str) -> bool:
    """Whether 18 digits end with their check digit."""
    return check_digit(sscc[:-1]) == sscc[-1]


def series_of_sscc(extension: int, company_prefix: str) -> str:
    return f"{extension}{company_prefix}"


def series_of_plate(ncage: str) -> str:
    return f"{AGENCY_OF_NCAGE}{ncage}"


def scheme_of(series: str) -> Scheme:
    return "sscc" if re.fullmatch("[0-9]+", series) else "licence-plate"


def capacity(series: str) -> int:
    """How many numbers it has; serials go from 0."""
    return int(10 ** _digits(series))


def number(series: str, serial: int) -> str:
    text = f"{series}{serial:0{_digits(series)}}"
    return text + check_digit(text) if scheme_of(series) == "sscc" else text


def _digits(series: str) -> int:
    return _BEFORE_CHECK - len(series) if scheme_of(series) == "sscc" else _PLATE_DIGITS

"""Unique item identification: the ISO/IEC 15434 envelope and the UII derived from its elements.

Sources: ISO/IEC 15434 (envelope, formats 05, 06 and 12), MIL-STD-130N tables A-II and following
(which elements make up the UII, and its prefix), GS1 Tag Data Standard (the ADI name).

A UII is a concatenation and therefore not injective: `ABC` + `1` and `AB` + `C1` give the same
string. Whoever stores an item stores `Identified.uii` and `Identified.elements`, unique on both.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

Format = Literal["05", "06", "12"]
"""05 GS1 application identifiers, 06 ANSI MH10 data identifiers, 12 text element identifiers."""

RS, GS, EOT = "\x1e", "\x1d", "\x04"
UII_LIMIT = 50
"""Characters (MIL-STD-130N)."""

COMPONENT_IDENTIFIER: dict[Format, str] = {"05": "91", "06": "20P", "12": "PDT"}
"""What carries the component's code (receiver, barrel, slide) beside the UII, a format.

Unverified: that none of the three is part of any UII is certain, their exact titles in ANSI
MH10.8.2 (20P), the GS1 General Specifications (91, company internal) and Spec 2000 (PDT) are not.
They stand here only.
"""


class UiiError(ValueError):
    """A content that names no item. `code` is stable and goes into records and answers."""

    code = "uii"


class NoEnvelope(UiiError):
    """The content does not begin with the ISO/IEC 15434 compliance indicator `[)>`."""

    code = "no-envelope"


class WrongHeader(UiiError):
    """`[)>` is not followed by RS, one of the formats 05, 06, 12, and GS."""

    code = "wrong-header"


class NoTrailer(UiiError):
    """The envelope does not end in RS EOT."""

    code = "no-trailer"


class SeveralFormats(UiiError):
    """More than one format inside one envelope, or a control character where none may stand."""

    code = "several-formats"


class EmptyElement(UiiError):
    """An element without a value, or an envelope without an element."""

    code = "empty-element"


class UnknownIdentifier(UiiError):
    """An element whose identifier is none of its format."""

    code = "unknown-identifier"


class DuplicateElement(UiiError):
    """The same identifier twice in one envelope."""

    code = "duplicate-element"


class BadCharacter(UiiError):
    """Identifying elements hold A–Z, 0–9, `-` and `/` only; all others printable ASCII."""

    code = "bad-character"


class BadEnterprise(UiiError):
    """An enterprise's code that does not have the form of its issuing agency."""

    code = "bad-enterprise"


class BadAsset(UiiError):
    """An application identifier 8003 or 8004 whose value does not have GS1's form."""

    code = "bad-asset"


class NotIdentifying(UiiError):
    """No element of the envelope belongs to a UII."""

    code = "not-identifying"


class MissingEnterprise(UiiError):
    code = "missing-enterprise"


class MissingPart(UiiError):
    """A serial number within the part or lot, and neither part nor lot."""

    code = "missing-part"


class MissingSerial(UiiError):
    code = "missing-serial"


class Ambiguous(UiiError):
    """The elements could be put together to more than one UII."""

    code = "ambiguous"


class UiiTooLong(UiiError):
    code = "uii-too-long"


class NoAdi(UiiError):
    """The item cannot be named in the ADI scheme: no CAGE or DoDAAC, a lot, or a value too long."""

    code = "no-adi"


class _Role(Enum):
    WHOLE = "complete identification"
    ENTERPRISE = "enterprise"
    PART = "part or lot"
    SERIAL_IN_ENTERPRISE = "serial within the enterprise"
    SERIAL_IN_PART = "serial within the part or lot"


_SERIALS = {_Role.SERIAL_IN_ENTERPRISE, _Role.SERIAL_IN_PART}
_CONSTRUCTS = (
    (_Role.WHOLE,),
    (_Role.ENTERPRISE, _Role.SERIAL_IN_ENTERPRISE),
    (_Role.ENTERPRISE, _Role.PART, _Role.SERIAL_IN_PART),
)

# identifier: its role, the issuing agency code put before it, the form of its value. 30P and 30T
# (current part number, traceability number) are absent because they never belong to a UII, LOT
# because it is unique only within PNO.
_CAGE = r"[0-9A-HJ-NP-Z]{5}"
_DODAAC = r"[0-9A-HJ-NP-Z]{6}"
_DUNS = r"[0-9]{9}"
_ANY = r".+"
_IDENTIFYING: dict[Format, dict[str, tuple[_Role, str, str]]] = {
    "05": {
        "8003": (_Role.WHOLE, "", r"0[0-9]{13}.{0,16}"),
        "8004": (_Role.WHOLE, "", r".{1,30}"),
    },
    "06": {
        "18S": (_Role.WHOLE, "D", _CAGE + _ANY),
        "25S": (_Role.WHOLE, "", r"([0-9]|D|LB|LD|LH|UN).+"),
        "17V": (_Role.ENTERPRISE, "D", _CAGE),
        "12V": (_Role.ENTERPRISE, "UN", _DUNS),
        "7L": (_Role.ENTERPRISE, "LD", _DODAAC),
        "3V": (_Role.ENTERPRISE, "", _ANY),
        "18V": (_Role.ENTERPRISE, "", _ANY),
        "1P": (_Role.PART, "", _ANY),
        "1T": (_Role.PART, "", _ANY),
        "S": (_Role.SERIAL_IN_PART, "", _ANY),
    },
    "12": {
        "CAG": (_Role.ENTERPRISE, "D", _CAGE),
        "MFR": (_Role.ENTERPRISE, "D", _CAGE),
        "SPL": (_Role.ENTERPRISE, "D", _CAGE),
        "DUN": (_Role.ENTERPRISE, "UN", _DUNS),
        "EUC": (_Role.ENTERPRISE, "", _ANY),
        "SER": (_Role.SERIAL_IN_ENTERPRISE, "", _ANY),
        "UCN": (_Role.SERIAL_IN_ENTERPRISE, "", _ANY),
        "PNO": (_Role.PART, "", _ANY),
        "SEQ": (_Role.SERIAL_IN_PART, "", _ANY),
    },
}
_OF_ANY_AGENCY = {"25S", "18V", "EUC"}
"""Their values begin with the issuing agency's code."""
_NATO = "D"
"""The issuing agency code of NATO and CAGE codes (ISO/IEC 15459)."""
_SERIALLESS_GRAI = 14  # digits of an 8003 that names a type of asset and not one of them

# How long an application identifier is follows from its first two digits (GS1 General
# Specifications, figure on element string lengths).
_AI_LENGTH = {
    prefix: length
    for length, prefixes in (
        (2, "00010203101112131516172021223037"),
        (2, "90919293949596979899"),
        (3, "23242540414271"),
        (4, "31323334353639437072808182"),
    )
    for prefix in re.findall("..", prefixes)
}
_DI = re.compile(r"([0-9]{0,3}[A-Z])(.*)", re.DOTALL)
_TEI = re.compile(r"([A-Z]{3}) (.*)", re.DOTALL)
_STRICT = re.compile(r"[A-Z0-9/-]+")
_PRINTABLE = re.compile(r"[ -~]+")


@dataclass(frozen=True, slots=True)
class Element:
    """One identifier and its value, as in `18S` and `7A72000000001`. Checked by `Envelope`."""

    identifier: str
    value: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a symbol says: elements of one format, in their order. Raises `UiiError`."""

    format: Format
    elements: tuple[Element, ...]

    def __post_init__(self) -> None:
        if self.format not in _IDENTIFYING:
            raise WrongHeader(f"format {self.format!r} is none of 05, 06, 12")
        if not self.elements:
            raise EmptyElement("no element")
        seen: set[str] = set()
        for element in self.elements:
            _check(self.format, element)
            if element.identifier in seen:
                raise DuplicateElement(f"{element.identifier} stands twice")
            seen.add(element.identifier)


@dataclass(frozen=True, slots=True)
class Identified:
    """The item that a content names: its UII, its elements' key, the component's code or ""."""

    uii: str
    elements: str
    component: str
    envelope: Envelope


def encode(envelope: Envelope) -> str:
    """The symbol's whole content, control characters included."""
    between = " " if envelope.format == "12" else ""
    fields = [element.identifier + between + element.value for element in envelope.elements]
    return GS.join([f"[)>{RS}{envelope.format}", *fields]) + RS + EOT


def decode(content: str) -> Envelope:
    """The envelope in a symbol's content. Raises `UiiError`."""
    if not content.startswith("[)>"):
        raise NoEnvelope("does not begin with [)>")
    header = re.match(rf"\[\)>{RS}(05|06|12){GS}", content)
    if header is None:
        raise WrongHeader("[)> is not followed by RS, 05, 06 or 12, and GS")
    if not content.endswith(RS + EOT):
        raise NoTrailer("does not end in RS EOT")
    body = content[header.end() : -2]
    if RS in body or EOT in body:
        raise SeveralFormats("RS or EOT stands inside the envelope")
    form = _format(header[1])
    return Envelope(form, tuple(_element(form, field) for field in body.split(GS)))


def uii(envelope: Envelope) -> str:
    """The unique item identifier: at most 50 characters. Raises `UiiError`."""
    parts = _identifying(envelope)
    roles = _IDENTIFYING[envelope.format]
    text = "".join(roles[part.identifier][1] + part.value for part in parts)
    if len(text) > UII_LIMIT:
        raise UiiTooLong(f"{len(text)} characters, {UII_LIMIT} are allowed")
    return text


def construct(envelope: Envelope) -> Literal[1, 2] | None:
    """By MIL-STD-130: 1 where the serial is unique within the enterprise, 2 within part or lot.

    None for an identification that is complete in itself and says neither (25S, 8003, 8004).
    Raises `UiiError`.
    """
    parts = _identifying(envelope)
    if len(parts) == len(_CONSTRUCTS[-1]):
        return 2
    # 18S is construct 1 in one value: the enterprise's code and a serial that is unique within it.
    return 1 if len(parts) > 1 or parts[0].identifier == "18S" else None


def elements_key(envelope: Envelope) -> str:
    """The identifying elements as one string, in the order of the UII, such as
    `06:17V=0CVA5,1P=1234-56,S=786950`.

    Injective: none of `:`, `=` and `,` may stand in an identifier or in an identifying value.
    Raises `UiiError`.
    """
    parts = _identifying(envelope)
    return f"{envelope.format}:" + ",".join(f"{part.identifier}={part.value}" for part in parts)


def serial(key: str) -> str:
    """The serial number as people know it, from `elements_key`: it ends the UII in every construct.

    Where a construct holds it in one value with its enterprise (18S, 25S, 8003, 8004), that value.
    """
    return key.rpartition("=")[2]


def enterprises(envelope: Envelope) -> dict[str, str]:
    """By identifier, the NATO or CAGE code of each enterprise that the symbol names, identifying or
    not; an enterprise under another agency's code is left out."""
    found = {}
    for element in envelope.elements:
        entry = _IDENTIFYING[envelope.format].get(element.identifier)
        if entry is None:
            continue
        named = entry[1] + element.value
        theirs = entry[1] == _NATO or element.identifier in _OF_ANY_AGENCY
        if theirs and named.startswith(_NATO):
            found[element.identifier] = named[1:6]
    return found


def component_element(form: Format, code: str) -> Element:
    """The element that carries a component's code (`BARREL`) in an envelope of that format."""
    return Element(COMPONENT_IDENTIFIER[form], code)


def component(envelope: Envelope) -> str:
    """The component's code that the symbol carries beside the UII, or ""."""
    carrier = COMPONENT_IDENTIFIER[envelope.format]
    return next((e.value for e in envelope.elements if e.identifier == carrier), "")


def identify(content: str) -> Identified:
    """The item that a symbol's content names. Raises `UiiError`."""
    envelope = decode(content)
    return Identified(uii(envelope), elements_key(envelope), component(envelope), envelope)


def names_component(content: str) -> bool:
    """Whether a symbol says which component it stands on."""
    try:
        return identify(content).component != ""
    except UiiError:
        return False


def looks_like_uii(content: str) -> bool:
    """Whether a code found on a part before marking is in UII form, well made or not.

    Errs towards yes, because a yes only stops the cycle: any ISO/IEC 15434 envelope, even a
    damaged one; elements of a complete construct without an envelope; a bare UII with an issuing
    agency's code; an ADI name. A GS1 article number (EAN, UPC, GTIN) is no UII.
    """
    text = content.strip().upper()
    if "[)>" in text or text.startswith("URN:EPC:ID:ADI:"):
        return True
    if re.fullmatch(r"[0-9]{8}|[0-9]{12,14}", text):
        return False
    if len(text) <= UII_LIMIT and re.fullmatch(
        rf"(D{_CAGE}|UN{_DUNS}|LD{_DODAAC}|LH[0-9A-Z]{{4}})[0-9A-Z/-]+", text
    ):
        return True
    fields = re.split(rf"[{RS}{GS}{EOT}]", text)
    return any(_complete(form, fields) for form in _IDENTIFYING)


def adi_urn(envelope: Envelope) -> str:
    """The item's EPC name, `urn:epc:id:adi:<CAGE or DoDAAC>.<part, may be empty>.<serial>`.

    `/` is written `%2F`, as the GS1 Tag Data Standard asks of pure identity names. Raises `NoAdi`
    and what `uii` raises.
    """
    parts = {part.identifier: part.value for part in _identifying(envelope)}
    lot = "1T" in parts
    if "18S" in parts:
        agency, part, serial = parts["18S"][:5], "", parts["18S"][5:]
    else:
        agency = _first(parts, ("17V", "7L", "CAG", "MFR", "SPL"))
        part = _first(parts, ("1P", "PNO"))
        serial = _first(parts, ("S", "SER", "UCN", "SEQ"))
    if lot or not agency or len(part) > 32 or len(serial) > 30:
        raise NoAdi("needs a CAGE or DoDAAC, a part number ≤32 and a serial number ≤30, no lot")
    return "urn:epc:id:adi:" + ".".join((agency, part, serial)).replace("/", "%2F")


def _first(parts: dict[str, str], identifiers: Iterable[str]) -> str:
    return next((parts[name] for name in identifiers if name in parts), "")


def _format(text: str) -> Format:
    for form in _IDENTIFYING:
        if form == text:
            return form
    raise WrongHeader(f"format {text!r} is none of 05, 06, 12")


def _element(form: Format, field: str) -> Element:
    """One field of an envelope, split at its identifier."""
    if not field:
        raise EmptyElement("two separators with nothing between them")
    if form == "05":
        length = _AI_LENGTH.get(field[:2])
        if length is None or re.fullmatch("[0-9]+", field[:length].ljust(length)) is None:
            raise UnknownIdentifier(f"{field!r} begins with no application identifier")
        return Element(field[:length], field[length:])
    match = (_DI if form == "06" else _TEI).fullmatch(field)
    if match is None:
        kind = "data identifier" if form == "06" else "text element identifier"
        raise UnknownIdentifier(f"{field!r} begins with no {kind}")
    return Element(match[1], match[2])


def _check(form: Format, element: Element) -> None:
    """That an element can stand in an envelope of that format and be read back as it is."""
    name, value = element.identifier, element.value
    text = name + (" " if form == "12" else "") + "0"
    if _element(form, text) != Element(name, "0"):
        raise UnknownIdentifier(f"{name!r} is no identifier of format {form}")
    if not value:
        raise EmptyElement(f"{name} has no value")
    role = _IDENTIFYING[form].get(name)
    strict = role is not None or name == COMPONENT_IDENTIFIER[form]
    if (_STRICT if strict else _PRINTABLE).fullmatch(value) is None:
        allowed = "A–Z 0–9 - /" if strict else "printable ASCII"
        raise BadCharacter(f"{name} {value!r}: {allowed} only")
    if role is not None and re.fullmatch(role[2], value) is None:
        error = BadAsset if form == "05" else BadEnterprise
        raise error(f"{name} {value!r} does not have the form of its agency's codes")


def _identifying(envelope: Envelope) -> tuple[Element, ...]:
    """The elements that make up the UII, in its order."""
    held: dict[_Role, list[Element]] = {}
    for element in envelope.elements:
        entry = _IDENTIFYING[envelope.format].get(element.identifier)
        if entry is not None:
            held.setdefault(entry[0], []).append(element)
    complete = [construct for construct in _CONSTRUCTS if all(role in held for role in construct)]
    if len(complete) > 1:
        raise Ambiguous("the elements of more than one construct are there")
    if not complete:
        raise _missing(set(held))
    chosen = [held[role] for role in complete[0]]
    for candidates in chosen:
        if len(candidates) > 1:
            names = " and ".join(element.identifier for element in candidates)
            raise Ambiguous(f"{names} say the same kind of thing")
    parts = tuple(candidates[0] for candidates in chosen)
    if parts[0].identifier == "8003" and len(parts[0].value) == _SERIALLESS_GRAI:
        raise MissingSerial("8003 without a serial number names a type of asset")
    return parts


def _missing(held: set[_Role]) -> UiiError:
    if not held:
        return NotIdentifying("no element belongs to a UII")
    if not held & _SERIALS:
        return MissingSerial("no serial number")
    if _Role.ENTERPRISE not in held:
        return MissingEnterprise("no enterprise")
    return MissingPart("neither part nor lot")


def _complete(form: Format, fields: list[str]) -> bool:
    """Whether bare fields hold every element of one construct, whatever else they hold."""
    roles: set[_Role] = set()
    for field in fields:
        try:
            element = _element(form, field)
        except UiiError:
            continue
        entry = _IDENTIFYING[form].get(element.identifier)
        if entry is not None and re.fullmatch(entry[2], element.value) is not None:
            roles.add(entry[0])
    return any(roles.issuperset(construct) for construct in _CONSTRUCTS)

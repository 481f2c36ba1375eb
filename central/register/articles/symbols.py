"""What a scanned or typed code says by itself: a symbol, a GS1 element string, a plain number."""

import re
from dataclasses import dataclass

from gateway.contract.uii import EOT, GS, RS, Envelope, UiiError, decode, identify

_AIM = re.compile(r"\]([A-Za-z][0-9A-Za-z])")
"""The symbology identifier that a reader may put before what it read (ISO/IEC 15424)."""
_GS1 = frozenset({"C1", "d2", "e0", "J1", "Q3"})
"""Those by which it says that the symbol begins with FNC1: what follows are GS1 element strings."""
_SSCC = re.compile(r"(?:00|\(00\))([0-9]{18})")
_PLATED = re.compile(r"[1-9]?J")
_PLATE = re.compile(r"[1-9]?J(.+)", re.DOTALL)
_OUR_PLATE = re.compile(r"D[0-9A-HJ-NP-Z]{5}[0-9]{10}")
"""The identifiers under which a label carries a unit's own number: AI 00, DI J and 1J to 9J."""


@dataclass(frozen=True)
class Symbol:
    """`text` is what was read, without what the reader put before it; `code` the number that it
    carries, which may be the same; `elements`: of an item, what identifies it. `component`: the
    code of the piece that it stands on, or empty."""

    text: str
    code: str
    elements: str = ""
    component: str = ""

    @property
    def number(self) -> str:
        """Which of the two it is where the register knows neither: a bare `J…` may be a serial."""
        bare = _PLATE.fullmatch(self.text) is not None and _OUR_PLATE.fullmatch(self.code) is None
        return self.text if bare else self.code


def read(text: str) -> Symbol:
    """Whoever knows of it."""
    content = text.strip(" \t\r\n")
    prefix = _AIM.match(content)
    if prefix is not None:
        content = content[3:] or content
    whole = content
    if prefix is not None and prefix[1] in _GS1 and not content.startswith("[)>"):
        whole = f"[)>{RS}05{GS}{content.strip(GS)}{RS}{EOT}"
    try:
        unit = _unit(decode(whole))
        if unit:
            return Symbol(content, unit)
        found = identify(whole)
        return Symbol(content, found.uii, found.elements, found.component)
    except UiiError:
        bare = _SSCC.fullmatch(content) or _PLATE.fullmatch(content)
        return Symbol(content, content if bare is None else bare[1])


def _unit(envelope: Envelope) -> str:
    """The number of a crate or a pallet that an envelope names, or empty."""
    for element in envelope.elements:
        if envelope.format == "05" and element.identifier == "00":
            return element.value
        if envelope.format == "06" and _PLATED.fullmatch(element.identifier):
            return element.value
    return ""

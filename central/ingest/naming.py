"""Which item a mark claims: what its symbol says on the metal goes before what the record says."""

from collections.abc import Iterator
from functools import lru_cache

from gateway.contract.record import Item, Mark, Observed
from gateway.contract.uii import Identified, UiiError, identify

_NO_ELEMENTS = "?:"


@lru_cache(maxsize=4096)
def identified(content: str) -> Identified:
    """As `identify`. One batch asks several times about each content: the answer is remembered.

    Raises `UiiError`.
    """
    return identify(content)


def named_item(mark: Mark) -> Item:
    """From the content where it names an item. Else the UII that the record asserts, and no
    elements: those of a content give one UII, whereas a record could assert any pair."""
    try:
        found = identified(mark.content)
    except UiiError:
        return Item(uii=mark.item.uii, elements=_NO_ELEMENTS + mark.item.uii)
    return Item(uii=found.uii, elements=found.elements)


def names_elements(elements: str) -> bool:
    """Whether a content gave these elements."""
    return not elements.startswith(_NO_ELEMENTS)


def other_elements(one: str, other: str) -> bool:
    """Whether two contents gave elements of different items."""
    return one != other and names_elements(one) and names_elements(other)


def names_component(content: str) -> bool:
    """Whether the symbol says which component it stands on."""
    try:
        return identified(content).component != ""
    except UiiError:
        return False


def read_on_parts(record: Observed) -> Iterator[tuple[int, Identified]]:
    """The items that a gateway's reader read outside a cycle, each with its place in the record."""
    if record.purpose != "readback" or record.entry != "device":
        return
    for position, content in enumerate(record.codes, start=1):
        try:
            yield position, identified(content)
        except UiiError:
            continue

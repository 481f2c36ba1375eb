"""Which item a mark claims: what its symbol says on the metal goes before what the record says."""

from functools import lru_cache

from gateway.contract.record import Item, Mark
from gateway.contract.uii import Identified, UiiError, identify


@lru_cache(maxsize=4096)
def identified(content: str) -> Identified:
    """As `identify`. One batch asks several times about each content: the answer is remembered.

    Raises `UiiError`.
    """
    return identify(content)


def named_item(mark: Mark) -> Item:
    """From the content where it names an item, else as the record asserts it."""
    try:
        found = identified(mark.content)
    except UiiError:
        return mark.item
    return Item(uii=found.uii, elements=found.elements)


def names_component(content: str) -> bool:
    """Whether the symbol says which component it stands on."""
    try:
        return identified(content).component != ""
    except UiiError:
        return False

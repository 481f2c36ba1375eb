"""Which item a mark claims: what its symbol says on the metal goes before what the record says."""

from gateway.contract.record import Item, Mark
from gateway.contract.uii import UiiError, identify


def named_item(mark: Mark) -> Item:
    """From the content where it names an item, else as the record asserts it."""
    try:
        found = identify(mark.content)
    except UiiError:
        return mark.item
    return Item(uii=found.uii, elements=found.elements)


def names_component(content: str) -> bool:
    """Whether the symbol says which component it stands on."""
    try:
        return identify(content).component != ""
    except UiiError:
        return False

"""What reaches only as far as the caller's own entity."""

from typing import TypeVar

from central.access.roles import RIGHTS, Right
from central.errors import Forbidden, NotFound
from central.register.acts import By

T = TypeVar("T")


def own(by: By, found: T, entity: str | None, what: str) -> T:
    """What was looked up, where the caller may see it; `NotFound` where it is another's."""
    if by.entity is not None and by.entity != entity:
        raise NotFound(f"no {what}")
    return found


def for_own(by: By, entity: str) -> None:
    """Raises `Forbidden` where somebody acts for another entity than their own."""
    if by.entity is not None and by.entity != entity:
        raise Forbidden(f"{by.account} acts for {by.entity}, not for {entity}")


def has(by: By, right: Right) -> bool:
    """Whether the caller's role has it."""
    return by.role in RIGHTS[right]


def also(by: By, right: Right) -> None:
    """For what needs a second right by what it is about. Raises `Forbidden`."""
    if not has(by, right):
        raise Forbidden(f"{by.role} has not the right {right}")

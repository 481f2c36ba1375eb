"""What reaches only as far as the caller's own entity."""

from typing import TypeVar

from central.access.roles import RIGHTS, Right, without
from central.errors import Forbidden, NotFound
from central.register.acts import By
from central.register.ownership import owns
from central.register.subject import no_such
from central.said import said

T = TypeVar("T")


def own(by: By, found: T, entity: str | None, subject: str, key: str) -> T:
    """What was looked up, where the caller may see it; `NotFound` where it is another's."""
    if not owns(by.entity, entity):
        raise NotFound(no_such(subject, key))
    return found


def for_own(by: By, entity: str) -> None:
    """Raises `Forbidden` where somebody acts for another entity than their own."""
    if not owns(by.entity, entity):
        raise Forbidden(
            said(
                "{account} acts for {own}, not for {entity}",
                account=by.account,
                own=by.entity,
                entity=entity,
            )
        )


def has(by: By, right: Right) -> bool:
    """Whether the caller's role has it."""
    return by.role in RIGHTS[right]


def also(by: By, right: Right) -> None:
    """For what needs a second right by what it is about. Raises `Forbidden`."""
    if not has(by, right):
        raise Forbidden(without(by.role, right))

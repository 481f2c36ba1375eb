"""Whose marks a template makes: the enterprise that it names is the product's own entity."""

from sqlalchemy import Connection

from central.register.entities.service import ENTITY
from central.register.products.models import TRIAL_LOTS, LotFormat, trial_order
from central.said import said
from gateway.contract.plan import Component, Template
from gateway.contract.uii import UiiError, decode, enterprises


def ncage_of(connection: Connection, entity: str) -> str | None:
    """None where it has none, or there is no such entity."""
    found = ENTITY.load(connection, entity)
    return None if found is None else found.ncage


def foreign(
    template: Template, components: tuple[Component, ...], lot_format: LotFormat, ncage: str | None
) -> list[str]:
    """The NATO and CAGE codes in its symbols that are not the entity's, each as a fault.

    Of an entity that has none nothing is known. A content that cannot be read is another fault.
    """
    order = trial_order(template, components, TRIAL_LOTS[lot_format])
    found: dict[str, None] = {}
    for component in components:
        try:
            named = enterprises(decode(order.content(1, component)))
        except UiiError:
            continue
        for identifier, code in named.items():
            if ncage is not None and code != ncage:
                fault = said(
                    "template.content names enterprise {code} in {identifier}:"
                    " the entity's NCAGE is {ncage}",
                    code=code,
                    identifier=identifier,
                    ncage=ncage,
                )
                found[fault] = None
    return list(found)

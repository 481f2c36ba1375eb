"""What a product's marks would say, before it is entered: rendered, and checked, by its numbers."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from central.register.asked import Asked
from central.register.products.enterprise import foreign
from central.register.products.models import (
    TRIAL_IMPORT,
    TRIAL_LOTS,
    Import,
    ProductFields,
    trial_order,
)
from central.register.products.symbol import Size, size
from central.said import said
from gateway.contract.plan import Component, PlanOrder
from gateway.contract.uii import UiiError, construct, identify

Number = Annotated[int, Field(ge=1, le=10**15)]


class Would(Asked):
    """A would-be product. `serial` is the first number, and `quantity` how many follow from it.

    Without a lot one of the right form stands in; so do country and year of import.
    """

    product: ProductFields
    lot: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[ -~]+$")] | None = None
    imported: Import | None = None
    serial: Number = 1
    quantity: Annotated[int, Field(ge=1, le=100_000_000)] = 1

    @property
    def last(self) -> int:
        return self.serial + self.quantity - 1


class Rendered(BaseModel):
    """One mark. `content` holds the control characters; `shown` writes them as ␞, ␝ and ␄.

    `uii` and what follows from it are null where the content names no item; `fault` says why.
    `symbol` is null where no Data Matrix holds the content.
    """

    model_config = ConfigDict(frozen=True)

    component: str
    number: int
    serial: str
    content: str
    shown: str
    lines: tuple[str, ...]
    uii: str | None
    elements: str | None
    uii_construct: int | None
    symbol: Size | None
    fault: str


class Preview(BaseModel):
    """`marks`: of each component the first number, and the last where there are several.

    `lot` is the one that was put in; null where the template has no place for one.
    """

    model_config = ConfigDict(frozen=True)

    lot: str | None
    uii_construct: int | None
    marks: tuple[Rendered, ...]
    faults: tuple[str, ...]


def preview(would: Would, ncage: str | None = None) -> Preview:
    """Pure: nothing is entered, and nothing of the register is looked at.

    `ncage`: of the product's entity, where it has one.
    """
    product = would.product
    lot = would.lot or TRIAL_LOTS[product.lot_format]
    imported = would.imported or TRIAL_IMPORT
    order = trial_order(product.template, product.components, lot, imported)
    numbers = sorted({would.serial, would.last})
    marks = rendered(order, numbers)
    faults = product.faults(would.lot, would.imported)
    faults += [
        fault for fault in dict.fromkeys(map(_fault, marks)) if fault and fault not in faults
    ]
    faults += foreign(product.template, product.components, product.lot_format, ncage)
    digits = product.template.serial_digits
    if len(str(would.last)) > digits:
        faults.append(
            said(
                "number {number} has more digits than template.serial_digits, {digits}:"
                " its texts grow longer than the others'",
                number=would.last,
                digits=digits,
            )
        )
    texts = (product.template.content, *product.template.lines)
    # Taken as they are: a fault that is validated would be a text alone, and no sentence.
    return Preview.model_construct(
        lot=lot if any("{lot}" in text for text in texts) else None,
        uii_construct=next(filter(None, (mark.uii_construct for mark in marks)), None),
        marks=marks,
        faults=tuple(faults),
    )


def rendered(order: PlanOrder, numbers: Iterable[int]) -> tuple[Rendered, ...]:
    """Of each component the marks with these numbers."""
    each_time = tuple(numbers)
    return tuple(
        _rendered(order, component, number)
        for component in order.components
        for number in each_time
    )


def _fault(mark: Rendered) -> str:
    if not mark.fault:
        return ""
    return said(
        "template.content names no item: {name}: {fault}", name=mark.component, fault=mark.fault
    )


def _rendered(order: PlanOrder, component: Component, number: int) -> Rendered:
    content = order.content(number, component)
    uii = elements = which = None
    fault = ""
    try:
        found = identify(content)
    except UiiError as error:
        fault = str(error)
    else:
        uii, elements, which = found.uii, found.elements, construct(found.envelope)
    return Rendered(
        component=component.name,
        number=number,
        serial=order.serial(number),
        content=content,
        shown=_shown(content),
        lines=order.lines(number, component),
        uii=uii,
        elements=elements,
        uii_construct=which,
        symbol=size(content),
        fault=fault,
    )


def _shown(content: str) -> str:
    """Control characters by their pictures in Unicode."""
    return "".join(chr(0x2400 + ord(each)) if ord(each) < 0x20 else each for each in content)

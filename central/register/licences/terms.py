"""What a licence allows, and whether it covers an order: pure."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, Field, model_validator

from central.register.asked import Asked, Code
from central.register.identifiers import MilitaryCategory
from central.said import said

T = TypeVar("T")

Activity = Literal[
    "production",
    "trade",
    "brokering",
    "transport",
    "storage",
    "research",
    "repair",
    "demilitarisation",
    "destruction",
]
"""What a licence is for. Unverified: the law's own list of activities was not read; it is here."""
Line = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")]


class Quantity(Asked):
    """So many at most of a product, or of all products of a category together."""

    product: Code | None = None
    category: MilitaryCategory | None = None
    most: Annotated[int, Field(ge=1, le=1_000_000_000)]

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if (self.product is None) == (self.category is None):
            raise ValueError(said("a quantity is of a product or of a category"))
        return self


def _once(name: Callable[[T], Hashable]) -> Callable[[tuple[T, ...]], tuple[T, ...]]:
    def check(values: tuple[T, ...]) -> tuple[T, ...]:
        if len({name(value) for value in values}) != len(values):
            raise ValueError(said("something stands twice"))
        return values

    return check


Activities = Annotated[
    tuple[Activity, ...], Field(min_length=1), AfterValidator(_once(lambda each: each))
]
Categories = Annotated[tuple[MilitaryCategory, ...], AfterValidator(_once(lambda each: each))]
Codes = Annotated[tuple[Code, ...], Field(max_length=500), AfterValidator(_once(lambda each: each))]
Quantities = Annotated[
    tuple[Quantity, ...],
    Field(max_length=200),
    AfterValidator(_once(lambda each: (each.product, each.category))),
]
Lines = Annotated[tuple[Line, ...], Field(max_length=100)]


class Terms(BaseModel):
    """What a licence allows. Without more said it is the production of whatever.

    `products`: their codes; where none is named, any product of the `categories`. `sites`: codes
    of the places on which gateways may work; where none is named, anywhere. `conditions` are for
    people, a line each.
    """

    activities: Activities = ("production",)
    categories: Categories = ()
    products: Codes = ()
    quantities: Quantities = ()
    conditions: Lines = ()
    sites: Codes = ()


class Changes(BaseModel):
    """Other terms in place of those that stand; what is left out stays as it is."""

    activities: Activities | None = None
    categories: Categories | None = None
    products: Codes | None = None
    quantities: Quantities | None = None
    conditions: Lines | None = None
    sites: Codes | None = None


def elsewhere(terms: Terms, site: str | None) -> str:
    """Why a licence does not cover a gateway on that site, as a stable code; empty when it does.

    None: the gateway is not known to stand on any.
    """
    return "licence-not-covering" if terms.sites and site not in terms.sites else ""


@dataclass(frozen=True)
class Use:
    """An order for production. `of_product` and `of_category`: how many of its product, and of its
    category, are ordered under the licence by it and by those entered before it that were released.
    """

    product: str
    category: str | None = None
    of_product: int = 0
    of_category: int = 0


def covers(terms: Terms, product: str, category: str | None) -> bool:
    """Whether a licence is for that product, whatever is done with it.

    A product that has no category falls under no category: it has to be named.
    """
    named = product in terms.products
    within = not terms.categories or category in terms.categories
    if category is None:
        within = within or named
    return within and (named or not terms.products)


def uncovered(terms: Terms, use: Use) -> str:
    """Why a licence does not cover an order, as a stable code; empty when it does."""
    if "production" not in terms.activities or not covers(terms, use.product, use.category):
        return "licence-not-covering"
    for limit in terms.quantities:
        if limit.product is None:
            ordered = use.of_category if limit.category == use.category else 0
        else:
            ordered = use.of_product if limit.product == use.product else 0
        if ordered > limit.most:
            return "licence-used-up"
    return ""

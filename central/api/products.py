"""Products over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from central.access.own import for_own, own
from central.access.roles import Right
from central.api.desk import AtDesk, Desk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit, listed, where
from central.queries.paging import Page
from central.register.acts import Work
from central.register.asked import WithReason
from central.register.products import service
from central.register.products.enterprise import ncage_of
from central.register.products.models import NewProduct, ProductAmendment, ProductState
from central.register.products.preview import Preview, Would, preview
from central.register.products.service import PRODUCT, Product
from central.screens.refusals import listening

api = APIRouter(prefix="/products", tags=["products"], route_class=Guarded)
_Sort = Literal[
    "code",
    "-code",
    "model",
    "-model",
    "calibre",
    "-calibre",
    "entity",
    "-entity",
    "category",
    "-category",
    "nsn",
    "-nsn",
    "state",
    "-state",
]
_Code = Annotated[str, Path(max_length=60, examples=["M70"])]


class ProductView(Product):
    """`uii_construct`: 1 or 2 by MIL-STD-130, from the template; null where it is neither."""

    uii_construct: int | None

    @classmethod
    def showing(cls, product: Product) -> "ProductView":
        fields = {name: getattr(product, name) for name in Product.model_fields}
        return cls(**fields, uii_construct=service.construct_of(product))


class AmendedProduct(ProductAmendment, WithReason):
    """What is to change, and why."""


@api.get("", response_model=Page[ProductView], **needs(Right.READ_SUBJECTS))
def all_products(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    entity: Annotated[str | None, Query(max_length=60)] = None,
    category: Annotated[str | None, Query(max_length=4, examples=["ML1"])] = None,
    state: ProductState | None = None,
    sort: Annotated[_Sort, SORT] = "code",
) -> Page[ProductView]:
    conditions = where(PRODUCT, entity=entity, category=category, state=state)
    conditions += where(PRODUCT, entity=desk.by.entity)
    with desk.looking() as connection:
        page = listed(connection, PRODUCT, limit, cursor, *conditions, sort=sort)
    return Page(items=[ProductView.showing(each) for each in page.items], next=page.next)


@api.get("/{code}", response_model=ProductView, **needs(Right.READ_SUBJECTS))
def one_product(code: _Code, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        product = PRODUCT.require(connection, code)
    own(desk.by, product, product.entity, "product", code)
    return desk.tell(ProductView.showing(product))


@api.post("/preview", **needs(Right.CHANGE_PRODUCTS))
def previewed(asked: Would, desk: AtDesk, request: Request) -> Preview:
    """What its marks would say, and all that is wrong with it. Nothing is entered."""
    for_own(desk.by, asked.product.entity)
    with desk.looking() as connection:
        ncage = ncage_of(connection, asked.product.entity)
    found = preview(asked, ncage)
    listening(request.scope).found = found.faults
    return found


@api.post("", status_code=201, response_model=ProductView, **needs(Right.CHANGE_PRODUCTS))
def enter(asked: NewProduct, desk: AtDesk) -> Response:
    for_own(desk.by, asked.entity)
    asked = asked.model_copy(update={"space": _space(desk, asked.space, asked.code)})
    return desk.act(lambda work: ProductView.showing(service.add(work, asked)), 201)


@api.post("/{code}/amend", response_model=ProductView, **needs(Right.CHANGE_PRODUCTS))
def amend(code: _Code, asked: AmendedProduct, desk: AtDesk) -> Response:
    """With orders, a product keeps kind, lot format, components, template and number space."""
    if asked.space is not None:
        asked = asked.model_copy(update={"space": _space(desk, asked.space, code)})

    def amended(work: Work) -> Product:
        _require_own(desk, work, code)
        return ProductView.showing(service.amend(work, code, asked, asked.why))

    return desk.act(amended)


@api.post("/{code}/withdraw", response_model=ProductView, **needs(Right.WITHDRAW_PRODUCTS))
def withdraw(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    """Marking of it stops at each gateway's next intent."""
    return desk.act(
        lambda work: ProductView.showing(service.change(work, code, "withdrawn", asked.why))
    )


@api.post("/{code}/reinstate", response_model=ProductView, **needs(Right.WITHDRAW_PRODUCTS))
def reinstate(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    return desk.act(
        lambda work: ProductView.showing(service.change(work, code, "reinstated", asked.why))
    )


def _space(desk: Desk, asked: str | None, code: str) -> str | None:
    """A producer's spaces begin with its code: else it could draw from another's numbers, or take
    the name of theirs before they do."""
    entity = desk.by.entity
    if entity is None or (asked or "").startswith(f"{entity}."):
        return asked
    return f"{entity}.{asked or code}"


def _require_own(desk: Desk, work: Work, code: str) -> None:
    product = PRODUCT.require(work.connection, code)
    own(desk.by, product, product.entity, "product", code)

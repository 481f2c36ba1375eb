"""Products over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from central.access.own import for_own, own
from central.access.roles import Right
from central.api.desk import AtDesk, needs
from central.api.listing import Cursor, Limit, Page, listed, where
from central.register.products import service
from central.register.products.models import NewProduct
from central.register.products.service import PRODUCT, Product

api = APIRouter(prefix="/products", tags=["products"])
_Code = Annotated[str, Path(max_length=60, examples=["M70"])]


@api.get("", response_model=Page[Product], **needs(Right.READ_SUBJECTS))
def all_products(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    entity: Annotated[str | None, Query(max_length=60)] = None,
) -> Page[Product]:
    conditions = where(PRODUCT, entity=entity) + where(PRODUCT, entity=desk.by.entity)
    with desk.looking() as connection:
        return listed(connection, PRODUCT, limit, cursor, *conditions)


@api.get("/{code}", response_model=Product, **needs(Right.READ_SUBJECTS))
def one_product(code: _Code, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        product = PRODUCT.require(connection, code)
    return desk.tell(own(desk.by, product, product.entity, f"product {code}"))


@api.post("", status_code=201, response_model=Product, **needs(Right.CHANGE_PRODUCTS))
def enter(asked: NewProduct, desk: AtDesk) -> Response:
    for_own(desk.by, asked.entity)
    if desk.by.entity is not None and not (asked.space or "").startswith(f"{desk.by.entity}."):
        # Else it could draw from another's numbers, or take the name of theirs before they do.
        asked = asked.model_copy(update={"space": f"{asked.entity}.{asked.space or asked.code}"})
    return desk.act(lambda work: service.add(work, asked), 201)

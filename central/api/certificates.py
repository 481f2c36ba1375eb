"""Certificates over HTTP: issuing, extending, withdrawing, and what rests on one."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from central.access.own import also, own
from central.access.roles import Right
from central.api.desk import AtDesk, Desk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit, listed, where
from central.errors import NotFound, Refused
from central.queries import certificates as queries
from central.queries.certificates import Acceptance, Affected
from central.queries.paging import Page
from central.register.acts import Work
from central.register.asked import WithReason
from central.register.certificates import service
from central.register.certificates.models import (
    CertificateState,
    Extension,
    Kind,
    NewCertificate,
)
from central.register.certificates.service import CERTIFICATE, Certificate
from central.register.subject import no_such
from gateway.contract.encoding import INT8_MAX

api = APIRouter(tags=["certificates"], route_class=Guarded)
_Sort = Literal[
    "number",
    "-number",
    "kind",
    "-kind",
    "product",
    "-product",
    "lot",
    "-lot",
    "institution",
    "-institution",
    "result",
    "-result",
    "state",
    "-state",
    "valid_until",
    "-valid_until",
]
_Number = Annotated[str, Path(max_length=60, examples=["TA-2026-007"])]
_Filter = Annotated[str | None, Query(max_length=60)]


@api.get("/certificates", response_model=Page[Certificate], **needs(Right.READ_SUBJECTS))
def all_certificates(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    kind: Kind | None = None,
    product: _Filter = None,
    lot: _Filter = None,
    entity: _Filter = None,
    state: CertificateState | None = None,
    sort: Annotated[_Sort, SORT] = "number",
) -> Page[Certificate]:
    conditions = where(
        CERTIFICATE, kind=kind, product=product, lot=lot, entity=entity, state=state
    ) + where(CERTIFICATE, entity=desk.by.entity)
    with desk.looking() as connection:
        return listed(connection, CERTIFICATE, limit, cursor, *conditions, sort=sort)


@api.get("/certificates/{number}", response_model=Certificate, **needs(Right.READ_SUBJECTS))
def one_certificate(number: _Number, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        certificate = CERTIFICATE.require(connection, number)
    return desk.tell(own(desk.by, certificate, certificate.entity, "certificate", number))


@api.get("/certificates/{number}/affected", **needs(Right.READ_SUBJECTS))
def affected(
    number: _Number,
    desk: AtDesk,
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, le=INT8_MAX, description="`next` of the page before")] = 0,
    left: Annotated[bool, Query(description="only items that have left their producer")] = False,
) -> Affected:
    """The orders that rest on it, the items that were marked since it was issued, and which of them
    have left their producer already."""
    with desk.looking() as connection:
        certificate = CERTIFICATE.require(connection, number)
        own(desk.by, certificate, certificate.entity, "certificate", number)
        return queries.affected(connection, certificate, limit, after, left_only=left)


@api.post("/certificates", status_code=201, response_model=Certificate, **needs(Right.CERTIFY))
def issue(asked: NewCertificate, desk: AtDesk) -> Response:
    """A type approval lets its product's orders be released; it is a registry officer's alone."""
    if asked.kind == "type-approval":
        also(desk.by, Right.APPROVE_TYPES)
    return desk.act(lambda work: service.issue(work, asked), 201)


@api.post("/certificates/{number}/withdraw", response_model=Certificate, **needs(Right.CERTIFY))
def withdraw(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """For good. Without another type approval, marking of the product stops."""

    def withdrawn(work: Work) -> Certificate:
        _may_decide(desk, work, number)
        return service.withdraw(work, number, asked.why)

    return desk.act(withdrawn)


@api.post("/certificates/{number}/extend", response_model=Certificate, **needs(Right.APPROVE_TYPES))
def extend(number: _Number, asked: Extension, desk: AtDesk) -> Response:
    """Before its end; after that a new one takes its place."""
    return desk.act(lambda work: service.extend(work, number, asked))


@api.get("/acceptances", responses={404: {}}, **needs(Right.READ_ITEMS))
def acceptance(
    desk: AtDesk,
    uii: Annotated[str | None, Query(max_length=50, examples=["DA0G1HAK001200"])] = None,
    order: Annotated[str | None, Query(max_length=60, examples=["ord-31"])] = None,
) -> Acceptance:
    """Whether an item, or an order's lot, is accepted now: the newest acceptance that stands."""
    if (uii is None) == (order is None):
        raise Refused("give uii or order, one of the two")
    now = datetime.now(UTC)
    subject, key = ("item", uii) if uii is not None else ("order", str(order))
    with desk.looking() as connection:
        found = (
            queries.of_item(connection, uii, now)
            if uii is not None
            else queries.of_order(connection, str(order), now)
        )
    if found is None:
        raise NotFound(no_such(subject, key))
    return own(desk.by, found, found.entity, subject, key)


def _may_decide(desk: Desk, work: Work, number: str) -> None:
    if CERTIFICATE.require(work.connection, number).kind == "type-approval":
        also(desk.by, Right.APPROVE_TYPES)

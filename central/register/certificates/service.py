"""Issuing, extending and withdrawing a certificate."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict, NotFound, Refused
from central.register.acts import Act, Why, Work
from central.register.certificates.models import (
    CertificateState,
    Extension,
    Kind,
    NewCertificate,
    Result,
)
from central.register.products.service import PRODUCT, marking
from central.register.subject import Part, Row, Subject, held, impossible, new, no_such
from central.said import said


class Named(BaseModel):
    """An item that a certificate is about."""

    model_config = ConfigDict(frozen=True)

    uii: str


class Certificate(Row):
    """A certificate as the register holds it. `reason` is that of its withdrawal or extension."""

    number: str
    kind: Kind
    entity: str
    issuer: str | None
    institution: str | None
    product: str | None
    lot: str | None
    items: tuple[Named, ...]
    result: Result
    sampling: str
    issued: datetime
    valid_until: datetime | None
    document: str
    remark: str
    state: CertificateState
    reason: str
    created: datetime


def apply(state: Certificate | None, act: Act) -> Certificate:
    """`issued`, then `extended` until it ends, then `withdrawn`, which is the end.

    Raises `Conflict` or `NotFound`.
    """
    if act.what == "issued":
        new("certificate", state, act)
        return Certificate.of(act, state="issued", reason="", created=act.at)
    certificate = held("certificate", state, act)
    if certificate.state == "withdrawn":
        raise Conflict(impossible("certificate", act.key, "withdrawn", act.what))
    change: dict[str, Any] = {"reason": act.reason, "version": act.id}
    if act.what == "withdrawn":
        return certificate.model_copy(update={**change, "state": "withdrawn"})
    if act.what == "extended":
        until = datetime.fromisoformat(act.payload["valid_until"])
        if certificate.valid_until is None:
            raise Conflict(
                said("certificate {number} has no end; it cannot be extended", number=act.key)
            )
        if certificate.valid_until <= act.at:
            raise Conflict(
                said("certificate {number} has ended; a new one takes its place", number=act.key)
            )
        if until <= certificate.valid_until:
            raise Conflict(said("certificate {number} lasts until then already", number=act.key))
        return certificate.model_copy(update={**change, "valid_until": until})
    raise AssertionError(act.what)


CERTIFICATE = Subject(
    "certificate",
    schema.certificate,
    Certificate,
    apply,
    key=("number",),
    parts={"items": Part(schema.certificate_item, "certificate")},
)


def issue(work: Work, asked: NewCertificate) -> Certificate:
    """Raises `Conflict`, `NotFound` or `Refused`. A type approval resumes what its end stopped."""
    if asked.issued > datetime.now(UTC):
        raise Refused(said("issued lies in the future"))
    return work.act(
        CERTIFICATE,
        asked.number,
        "issued",
        asked.model_dump(mode="json", exclude={"items"})
        | {
            "entity": _entity(work.connection, asked),
            "items": [{"uii": uii} for uii in sorted(asked.items)],
        },
        gateways=_concerned(work.connection, asked.kind, asked.product),
    )


def withdraw(work: Work, number: str, why: Why) -> Certificate:
    """Marking that rests on it alone stops. Raises `NotFound` or `Conflict`."""
    known = CERTIFICATE.require(work.connection, number)
    concerned = _concerned(work.connection, known.kind, known.product)
    return work.act(CERTIFICATE, number, "withdrawn", why=why, gateways=concerned, expects=True)


def extend(work: Work, number: str, asked: Extension) -> Certificate:
    """Raises `NotFound` or `Conflict`."""
    known = CERTIFICATE.require(work.connection, number)
    return work.act(
        CERTIFICATE,
        number,
        "extended",
        {"valid_until": asked.valid_until},
        why=asked.why,
        gateways=_concerned(work.connection, known.kind, known.product),
        expects=True,
    )


def _concerned(connection: Connection, kind: Kind, product: str | None) -> Iterable[str]:
    """The gateways whose plans follow from it."""
    if kind != "type-approval" or product is None:
        return ()
    return marking(connection, product)


def _entity(connection: Connection, asked: NewCertificate) -> str:
    """Whose product it is about; items are all of one."""
    if asked.product is not None:
        return PRODUCT.require(connection, asked.product).entity
    item, orders, product = schema.item, schema.orders, schema.product
    owners: dict[str, str] = {
        row.uii: row.entity
        for row in connection.execute(
            select(item.c.uii, product.c.entity)
            .join(orders, orders.c.code == item.c.order_code)
            .join(product, product.c.code == orders.c.product)
            .where(item.c.uii.in_(asked.items))
        )
    }
    unknown = sorted(set(asked.items) - owners.keys())
    if unknown:
        raise NotFound(no_such("item", ", ".join(unknown[:10])))
    entities = sorted(set(owners.values()))
    if len(entities) > 1:
        raise Refused(said("items of several entities: {entities}", entities=", ".join(entities)))
    return entities[0]

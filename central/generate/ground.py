"""What stands before the first mark: entities, places, licences, products, enrolled gateways."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import Range

from central import schema
from central.generate.cast import (
    BEGIN,
    ENTITIES,
    LICENSED_UNTIL,
    LINES,
    approval,
    licences,
    places,
)
from central.generate.marks import key_of
from central.generate.past import Past
from central.generate.schedule import LEASE, Run
from central.register.acts import Why
from central.register.certificates import service as certificates
from central.register.entities import service as entities
from central.register.gateways.projection import GATEWAY
from central.register.licences import service as licensing
from central.register.places import service as placing
from central.register.products import service as products
from gateway.contract.batch import NO_HEAD
from gateway.contract.plan import CentralKey, Plan, encode_plan
from gateway.contract.signed import SigningKey, take_apart

APPROVED = Why("approved")


def lay(work: Past, seed: int) -> None:
    """All of it, before `BEGIN`."""
    first = work.when(BEGIN - timedelta(days=60))
    for entity in ENTITIES:
        entities.add(first, entity)
    for place in places():
        placing.add(first, place)
    for licence in licences():
        licensing.issue(work.when(BEGIN - timedelta(days=50)), licence)
    later = work.when(BEGIN - timedelta(days=40))
    for line in LINES:
        products.add(later, line.product)
        certificates.issue(later, approval(line.product.code))
        for gateway in line.gateways:
            enrolled = work.when(BEGIN - timedelta(days=29))
            enrol(enrolled, seed, gateway)
            placing.assign(enrolled, gateway, gateway, Why("the line begins"))


def enrol(work: Past, seed: int, gateway: str) -> None:
    """By a code that nobody knows: of both code and key only the public part is kept."""
    code = hashlib.sha256(f"code {seed} {gateway}".encode()).hexdigest()
    told = {"code_hash": code, "expires": work.at + timedelta(days=1)}
    work.act(GATEWAY, gateway, "invited", told)
    opened = {
        "invitation": code,
        "epoch": 1,
        "previous_head": NO_HEAD.hex(),
        "public": key_of(seed, gateway).public.hex(),
        "losses": [],
    }
    work.act(GATEWAY, gateway, "enrolled", opened, why=Why("new"))


def incarnation(connection: Connection) -> int:
    table = schema.setting
    found = select(table.c.value).where(table.c.name == "incarnation")
    return int(connection.execute(found).scalar_one())


def streams(connection: Connection) -> dict[str, int]:
    """By gateway."""
    table = schema.stream
    return {row.gateway: row.id for row in connection.execute(select(table.c.gateway, table.c.id))}


def signed_plan(run: Run, incarnation: int, key: SigningKey, keys: tuple[CentralKey, ...]) -> bytes:
    """The plan of one run: its order, and the block that it is made from."""
    plan = Plan(
        gateway=run.gateway,
        epoch=1,
        incarnation=incarnation,
        version=run.number,
        lease_until=min(run.begins + LEASE, LICENSED_UNTIL),
        orders=(run.order,),
        blocks=(run.block,),
        keys=keys,
    )
    return encode_plan(plan, key)


def issue(connection: Connection, run: Run, payload: bytes, signed: datetime) -> None:
    """The run's plan as it was signed, and the block that it names first."""
    stream = schema.stream
    of = connection.execute(select(stream.c.id).where(stream.c.gateway == run.gateway)).scalar_one()
    plan, block = Plan.from_line(take_apart("plan", payload).line), run.block
    connection.execute(
        schema.plan.insert().values(
            gateway=run.gateway,
            incarnation=plan.incarnation,
            version=plan.version,
            epoch=plan.epoch,
            body=payload,
            signed=signed,
        )
    )
    connection.execute(
        schema.block.insert().values(
            id=block.id,
            space=block.space,
            span=Range(block.start, block.end + 1),
            stream=of,
            order_code=run.code,
            plan_incarnation=plan.incarnation,
            plan_version=plan.version,
            issued=signed,
        )
    )

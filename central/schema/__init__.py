"""The register's tables as SQLAlchemy Core sees them; `migrations` makes them.

A test compares both, so neither can drift. Heads, hashes and keys are raw bytes. Times carry a
zone. `act`, `batch`, `record`, `claim`, `about`, `evidence` and `plan` are append-only: the
programs' own role has no right to change or delete their rows (decision 0011). All else follows
from them (decision 0021). A `version` is the id of the act that changed the row last.
"""

from central.schema.access import account, answered, credential, token
from central.schema.base import metadata
from central.schema.certificates import certificate, certificate_item
from central.schema.exclusions import exclusion, screening
from central.schema.marks import (
    about,
    batch,
    claim,
    evidence,
    item,
    record,
    refusal,
    sample_group,
    stream,
    stream_key,
    waiting,
)
from central.schema.numbers import block, doubt, gateway_state, loss, plan, voided_block
from central.schema.oversight import inspection, measure, sanction
from central.schema.places import place
from central.schema.subjects import (
    act,
    entity,
    gateway,
    invitation,
    licence,
    number_space,
    order_gateway,
    orders,
    person,
    product,
    setting,
)

__all__ = [
    "about",
    "account",
    "act",
    "answered",
    "batch",
    "block",
    "certificate",
    "certificate_item",
    "claim",
    "credential",
    "doubt",
    "entity",
    "evidence",
    "exclusion",
    "gateway",
    "gateway_state",
    "inspection",
    "invitation",
    "item",
    "licence",
    "loss",
    "measure",
    "metadata",
    "number_space",
    "order_gateway",
    "orders",
    "person",
    "place",
    "plan",
    "product",
    "record",
    "refusal",
    "sample_group",
    "sanction",
    "screening",
    "setting",
    "stream",
    "stream_key",
    "token",
    "voided_block",
    "waiting",
]

"""The register's tables as SQLAlchemy Core sees them; `migrations` makes them.

A test compares both, so neither can drift. Heads, hashes and keys are raw bytes. Times carry a
zone. `act`, `batch`, `record`, `claim`, `about`, `evidence` and `plan` are append-only: the
programs' own role has no right to change or delete their rows (decision 0011). All else follows
from them (decision 0021). A `version` is the id of the act that changed the row last.
"""

from central.schema.access import (
    account,
    answered,
    credential,
    identity,
    second_factor,
    seen,
    token,
)
from central.schema.alerts import alert, delivery, delivery_attempt, watched
from central.schema.articles import article, event, event_article
from central.schema.base import metadata
from central.schema.certificates import certificate, certificate_item
from central.schema.consignments import consignment, consignment_article
from central.schema.devices import concluded, device, scan
from central.schema.exclusions import exclusion, screening
from central.schema.imports import import_refusal, imports, legacy
from central.schema.lots import lot, lot_component, lot_movement, lot_unpacked
from central.schema.marks import (
    about,
    batch,
    claim,
    disputed_mark,
    evidence,
    item,
    record,
    refusal,
    sample_group,
    sighting,
    stream,
    stream_key,
    waiting,
)
from central.schema.numbers import block, doubt, gateway_state, loss, plan, voided_block
from central.schema.oversight import inspection, measure, sanction
from central.schema.places import place
from central.schema.proposals import proposal
from central.schema.stock import count_article, count_quantity, count_scan, counts
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
from central.schema.units import label_print, unit_number, unit_series

__all__ = [
    "about",
    "account",
    "act",
    "alert",
    "answered",
    "article",
    "batch",
    "block",
    "certificate",
    "certificate_item",
    "claim",
    "concluded",
    "consignment",
    "consignment_article",
    "count_article",
    "count_quantity",
    "count_scan",
    "counts",
    "credential",
    "delivery",
    "delivery_attempt",
    "device",
    "disputed_mark",
    "doubt",
    "entity",
    "event",
    "event_article",
    "evidence",
    "exclusion",
    "gateway",
    "gateway_state",
    "identity",
    "import_refusal",
    "imports",
    "inspection",
    "invitation",
    "item",
    "label_print",
    "legacy",
    "licence",
    "loss",
    "lot",
    "lot_component",
    "lot_movement",
    "lot_unpacked",
    "measure",
    "metadata",
    "number_space",
    "order_gateway",
    "orders",
    "person",
    "place",
    "plan",
    "product",
    "proposal",
    "record",
    "refusal",
    "sample_group",
    "sanction",
    "scan",
    "screening",
    "second_factor",
    "seen",
    "setting",
    "sighting",
    "stream",
    "stream_key",
    "token",
    "unit_number",
    "unit_series",
    "voided_block",
    "waiting",
    "watched",
]

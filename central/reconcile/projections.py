"""Every subject that acts are on, by the name that its acts carry."""

from collections.abc import Mapping

from central.access.accounts import ACCOUNT
from central.access.sign_ins import SIGN_IN
from central.access.tokens import TOKEN
from central.plan.doubts import NUMBER
from central.register.acts import Projection
from central.register.alerts.service import ALERT
from central.register.articles.projection import ARTICLE, EVENT
from central.register.certificates.service import CERTIFICATE
from central.register.consignments.projection import CONSIGNMENT
from central.register.devices.service import DEVICE
from central.register.entities.service import ENTITY
from central.register.exclusions.rules import EXCLUSION, SCREENING
from central.register.gateways.projection import GATEWAY
from central.register.imports.projection import IMPORT
from central.register.incarnation import REGISTER
from central.register.inspections.service import INSPECTION
from central.register.licences.service import LICENCE
from central.register.lots.projection import LOT
from central.register.numbers.blocks import BLOCK
from central.register.numbers.spaces import SPACE
from central.register.orders.service import ORDER
from central.register.people.service import PERSON
from central.register.places.service import PLACE
from central.register.prints.service import PRINT
from central.register.products.service import PRODUCT
from central.register.proposals.service import PROPOSAL
from central.register.sanctions.service import SANCTION
from central.register.scans.projection import SCAN
from central.register.stock.projection import COUNT
from central.register.units.service import SERIES

PROJECTIONS: Mapping[str, Projection[object]] = {
    projection.name: projection
    for projection in (
        ACCOUNT,
        ALERT,
        ARTICLE,
        BLOCK,
        CERTIFICATE,
        CONSIGNMENT,
        COUNT,
        DEVICE,
        ENTITY,
        EVENT,
        EXCLUSION,
        GATEWAY,
        IMPORT,
        INSPECTION,
        LICENCE,
        LOT,
        NUMBER,
        ORDER,
        PERSON,
        PLACE,
        PRINT,
        PRODUCT,
        PROPOSAL,
        REGISTER,
        SANCTION,
        SCAN,
        SCREENING,
        SERIES,
        SIGN_IN,
        SPACE,
        TOKEN,
    )
}

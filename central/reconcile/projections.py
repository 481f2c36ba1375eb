"""Every subject that acts are on, by the name that its acts carry."""

from collections.abc import Mapping

from central.access.accounts import ACCOUNT
from central.access.tokens import TOKEN
from central.plan.doubts import NUMBER
from central.register.acts import Projection
from central.register.certificates.service import CERTIFICATE
from central.register.entities.service import ENTITY
from central.register.exclusions.rules import EXCLUSION, SCREENING
from central.register.gateways.projection import GATEWAY
from central.register.incarnation import REGISTER
from central.register.inspections.service import INSPECTION
from central.register.licences.service import LICENCE
from central.register.numbers.blocks import BLOCK
from central.register.numbers.spaces import SPACE
from central.register.orders.service import ORDER
from central.register.people.service import PERSON
from central.register.places.service import PLACE
from central.register.products.service import PRODUCT
from central.register.sanctions.service import SANCTION

PROJECTIONS: Mapping[str, Projection[object]] = {
    projection.name: projection
    for projection in (
        ACCOUNT,
        BLOCK,
        CERTIFICATE,
        ENTITY,
        EXCLUSION,
        GATEWAY,
        INSPECTION,
        LICENCE,
        NUMBER,
        ORDER,
        PERSON,
        PLACE,
        PRODUCT,
        REGISTER,
        SANCTION,
        SCREENING,
        SPACE,
        TOKEN,
    )
}

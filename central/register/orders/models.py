"""An order as it is asked for. What is left out, the product gives."""

from typing import Annotated

from pydantic import Field

from central.register.entities.models import Asked, Code
from central.register.products.models import Components
from gateway.contract.encoding import GatewayName
from gateway.contract.plan import Template, Verify

Expected = Annotated[str, Field(min_length=1, max_length=400)]


class NewOrder(Asked):
    """`contents` is how many pieces a package holds; `job` the device's stored job."""

    code: Code
    product: Code
    quantity: Annotated[int, Field(ge=1, le=100_000_000)]
    gateways: Annotated[tuple[GatewayName, ...], Field(min_length=1, max_length=50)]
    job: Annotated[str, Field(min_length=1, max_length=200)]
    licence: int | None = None
    contents: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    lot: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[ -~]+$")] | None = None
    template: Template | None = None
    components: Components | None = None
    verify: Verify = Verify(mode="each")
    expect: tuple[Expected, ...] = ()

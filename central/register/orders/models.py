"""An order as it is asked for. What is left out, the product gives."""

from typing import Annotated

from pydantic import Field

from central.register.entities.models import Asked, Code
from central.register.products.models import JOB_LIMIT, Components, Tray, faults
from gateway.contract.encoding import GatewayName
from gateway.contract.plan import Component, Template, Verify

Expected = Annotated[str, Field(min_length=1, max_length=400)]


class NewMember(Asked):
    """What a gateway does for an order. `components`: those that it marks, all when left out.

    `reads`: it reads back what other gateways marked, where the order is verified elsewhere.
    """

    name: GatewayName
    components: Annotated[tuple[Code, ...], Field(max_length=20)] | None = None
    reads: bool = False


class NewOrder(Asked):
    """`contents` is how many pieces a package holds; `job` the device's stored job; `tray` how
    many parts are marked in one cycle. A gateway's name alone stands for one that marks all."""

    code: Code
    product: Code
    quantity: Annotated[int, Field(ge=1, le=100_000_000)]
    gateways: Annotated[tuple[GatewayName | NewMember, ...], Field(min_length=1, max_length=50)]
    job: Annotated[str, Field(min_length=1, max_length=JOB_LIMIT)]
    licence: Code | None = None
    contents: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    lot: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[ -~]+$")] | None = None
    template: Template | None = None
    components: Components | None = None
    verify: Verify = Verify(mode="each")
    expect: tuple[Expected, ...] = ()
    tray: Tray | None = None

    @property
    def members(self) -> tuple[NewMember, ...]:
        return tuple(
            member if isinstance(member, NewMember) else NewMember(name=member)
            for member in self.gateways
        )

    def faults(
        self, kind: str, template: Template, components: tuple[Component, ...], tray: int | None
    ) -> list[str]:
        """What is not well formed, all at once; the product has given what was left out."""
        found = faults(kind, template, components, self.lot)
        if (kind == "package") != (self.contents is not None):
            found.append("contents stands for packages, and there it has to")
        if tray is not None and tray > self.quantity:
            found.append(f"a tray of {tray} is more than the order's {self.quantity}")
        return found + self._verify_faults() + self._member_faults([c.name for c in components])

    def _verify_faults(self) -> list[str]:
        found = []
        if self.verify.mode == "eye" and not self.verify.reason.strip():
            found.append("verify by eye needs a reason: it is journalled with each judgement")
        if self.verify.mode != "sample" and self.verify.every != 1:
            found.append("verify.every stands with the mode sample")
        if self.verify.mode == "sample" and self.verify.every == 1:
            found.append("verify by sample needs every, 2 or more: of 1 each part is read")
        return found

    def _member_faults(self, components: list[str]) -> list[str]:
        found = []
        names = [member.name for member in self.members]
        found += [f"gateway {n} stands twice" for n in sorted(set(names)) if names.count(n) > 1]
        marked: set[str] = set()
        for member in self.members:
            mine = components if member.components is None else member.components
            marked |= set(mine)
            found += [
                f"gateway {member.name}: there is no component {name}"
                for name in mine
                if name not in components
            ]
            if len(set(mine)) != len(mine):
                found.append(f"gateway {member.name}: a component stands twice")
            if not mine and not member.reads:
                found.append(f"gateway {member.name} marks nothing and reads nothing")
            if member.reads and self.verify.mode != "elsewhere":
                found.append(f"gateway {member.name}: reads stands where verify is elsewhere")
        found += [f"no gateway marks {name}" for name in components if name not in marked]
        return found

"""An order as it is asked for. What is left out, the product gives."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from central.register.asked import Asked, Code, WithReason
from central.register.products.models import JOB_LIMIT, Components, Import, Tray, faults
from central.said import said
from gateway.contract.encoding import GatewayName
from gateway.contract.plan import Component, Template, Verify

OrderState = Literal["draft", "released", "paused", "completed", "closed", "cancelled"]
Expected = Annotated[str, Field(min_length=1, max_length=400)]
Quantity = Annotated[int, Field(ge=1, le=100_000_000)]
Job = Annotated[str, Field(min_length=1, max_length=JOB_LIMIT)]
Contents = Annotated[int, Field(ge=1, le=1_000_000)]
Lot = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[ -~]+$")]
BlockSize = Annotated[int, Field(ge=1, le=1_000_000)]
Reserve = Annotated[int, Field(ge=0, le=1_000_000)]


class Limited(Asked):
    """How many numbers of an order a gateway holds at once, `block_size`, and how few it comes down
    to before it is given more, `reserve`. What is left out, the configuration says."""

    block_size: BlockSize | None = None
    reserve: Reserve | None = None

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.block_size is not None and (self.reserve or 0) > self.block_size:
            raise ValueError(said("reserve is no more than block_size"))
        return self


class NewMember(Limited):
    """What a gateway does for an order. `components`: those that it marks, all when left out.

    `reads`: it reads back what other gateways marked, where the order is verified elsewhere.
    """

    name: GatewayName
    components: Annotated[tuple[Code, ...], Field(max_length=20)] | None = None
    reads: bool = False


Gateways = Annotated[tuple[GatewayName | NewMember, ...], Field(min_length=1, max_length=50)]


class NewLimits(Limited, WithReason):
    """What an officer sets for one gateway of an order."""

    gateway: GatewayName


class NewOrder(Asked):
    """`contents` is how many pieces a package holds; `job` the device's stored job; `tray` how
    many parts are marked in one cycle. A gateway's name alone stands for one that marks all.
    `imported` stands for goods that carry a foreign maker's marks and get ours beside them."""

    code: Code
    product: Code
    quantity: Quantity
    gateways: Gateways
    job: Job
    licence: Code | None = None
    contents: Contents | None = None
    lot: Lot | None = None
    template: Template | None = None
    components: Components | None = None
    verify: Verify = Verify(mode="each")
    expect: tuple[Expected, ...] = ()
    tray: Tray | None = None
    imported: Import | None = None

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
        found = faults(kind, template, components, self.lot, self.imported)
        if (kind == "package") != (self.contents is not None):
            found.append(said("contents stands for packages, and there it has to"))
        if tray is not None and tray > self.quantity:
            found.append(
                said(
                    "a tray of {tray} is more than the order's {quantity}",
                    tray=tray,
                    quantity=self.quantity,
                )
            )
        return (
            found
            + self._import_faults()
            + self._verify_faults()
            + self._member_faults([c.name for c in components])
        )

    def _import_faults(self) -> list[str]:
        if self.imported is None:
            return []
        if self.imported.existing == "code" and not self.expect:
            return [said("imported: expect lists the codes that the parts carry already")]
        if self.imported.existing == "text" and self.expect:
            return [said("imported: expect stands with existing code, which a reader sees")]
        return []

    def _verify_faults(self) -> list[str]:
        found: list[str] = []
        if self.verify.mode == "eye" and not self.verify.reason.strip():
            found.append(said("verify by eye needs a reason: it is journalled with each judgement"))
        if self.verify.mode != "sample" and self.verify.every != 1:
            found.append(said("verify.every stands with the mode sample"))
        if self.verify.mode == "sample" and self.verify.every == 1:
            found.append(said("verify by sample needs every, 2 or more: of 1 each part is read"))
        return found

    def _member_faults(self, components: list[str]) -> list[str]:
        found: list[str] = []
        names = [member.name for member in self.members]
        twice = sorted({each for each in names if names.count(each) > 1})
        found += [said("gateway {gateway} stands twice", gateway=each) for each in twice]
        marked: set[str] = set()
        for member in self.members:
            mine = components if member.components is None else member.components
            marked |= set(mine)
            found += [
                said(
                    "gateway {gateway}: there is no component {name}",
                    gateway=member.name,
                    name=name,
                )
                for name in mine
                if name not in components
            ]
            if len(set(mine)) != len(mine):
                found.append(
                    said("gateway {gateway}: a component stands twice", gateway=member.name)
                )
            if not mine and not member.reads:
                found.append(
                    said("gateway {gateway} marks nothing and reads nothing", gateway=member.name)
                )
            if member.reads and self.verify.mode != "elsewhere":
                found.append(
                    said(
                        "gateway {gateway}: reads stands where verify is elsewhere",
                        gateway=member.name,
                    )
                )
        unmarked = [name for name in components if name not in marked]
        found += [said("no gateway marks {name}", name=name) for name in unmarked]
        return found


class OrderAmendment(WithReason):
    """What of a draft is changed; what is left out stays. Another product brings its own template,
    components, tray and licence, unless they are given too."""

    product: Code | None = None
    quantity: Quantity | None = None
    gateways: Gateways | None = None
    job: Job | None = None
    licence: Code | None = None
    contents: Contents | None = None
    lot: Lot | None = None
    template: Template | None = None
    components: Components | None = None
    verify: Verify | None = None
    expect: tuple[Expected, ...] | None = None
    tray: Tray | None = None
    imported: Import | None = None

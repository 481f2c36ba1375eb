"""A lot as it is opened, what is told of it, and the words for both."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from central.register.asked import Asked, Basis, Code, Name, WithReason
from central.register.identifiers import Country
from central.register.times import Moment
from central.said import Word, said
from gateway.contract.encoding import Hex32

LotState = Literal["active", "suspended", "withdrawn"]
MovementKind = Literal[
    "filled",
    "found",
    "sampled",
    "consumed",
    "returned",
    "destroyed",
    "reworked",
    "lost",
    "unpacked",
]
Verdict = Literal["ok", "more-than-loose", "more-than-sampled", "not-its-packages"]
"""What was found of a movement. All but `ok` put the lot in dispute until a person settles it."""
PackageFault = Literal["", "unknown", "not-of-lot", "not-good", "not-there", "unpacked-before"]
Role = Literal[
    "case",
    "primer",
    "propellant",
    "projectile",
    "fuze",
    "igniter",
    "tracer",
    "explosive",
    "link",
    "round",
    "other",
]
"""What a component is to what is made of it; `round`: a complete one, which is linked or packed."""

MOST_PACKAGES = 5_000
MOST_COMPONENTS = 200
WITH_A_REASON: frozenset[MovementKind] = frozenset(
    {"found", "destroyed", "reworked", "lost", "unpacked"}
)
STEPS_OF_AN_ADDRESS = frozenset(
    {"affected", "components", "history", "movements", "release", "settle", "suspend"}
    | {"uses", "withdraw"}
)


def _addressable(number: str) -> str:
    """A lot's number stands at the end of an address, and steps of addresses follow on it."""
    *before, last = number.split("/")
    if {".", ".."} & {*before, last} or (before and last in STEPS_OF_AN_ADDRESS):
        raise ValueError(said("{number} cannot stand in an address", number=number))
    return number


Number = Annotated[str, Field(pattern=r"^[!-~]([ -~]{0,58}[!-~])?$", examples=["KMP26L001-012"])]
LotNumber = Annotated[Number, AfterValidator(_addressable)]
LotCode = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}/[!-~]([ -~]{0,58}[!-~])?$",
        examples=["9x19-fmj-carton/KMP26L001-012"],
    ),
]
"""Product and number: the same number may stand for lots of two products."""
Quantity = Annotated[int, Field(ge=1, le=1_000_000_000_000)]
Uii = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f]+$")]


class NewComponent(Asked):
    """A lot that went into this one: `lot`, of this register, or a supplier's `maker` and `number`.

    `quantity`: so much of it as went in, in what that lot is counted in.
    """

    role: Role
    lot: LotCode | None = None
    maker: Name | None = None
    number: Number | None = None
    country: Country | None = None
    quantity: Quantity | None = None

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        supplied = (self.maker is not None, self.number is not None)
        if self.lot is not None and (any(supplied) or self.country is not None):
            raise ValueError(said("a lot of the register has its maker and number: name it alone"))
        if self.lot is None and not all(supplied):
            raise ValueError(said("lot, or maker and number: which lot it is"))
        return self


Components = Annotated[tuple[NewComponent, ...], Field(max_length=MOST_COMPONENTS)]


class NewLot(Asked):
    """It begins when its making does, before anything of it was filled."""

    product: Code
    number: LotNumber
    components: Components = ()
    remark: Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f]*$")] = ""


class NewComponents(WithReason):
    """The whole anew."""

    components: Components


class NewMovement(Asked):
    """What became of so many pieces of a lot, when, and on what document.

    `quantity` stands with all kinds but `unpacked`, which names the `packages`: what was in them is
    loose. `into`: the lot that they were reworked into. `document`: its SHA-256 in hex.
    """

    number: Code
    what: MovementKind
    happened: Moment
    quantity: Quantity | None = None
    packages: Annotated[tuple[Uii, ...], Field(max_length=MOST_PACKAGES)] = ()
    into: LotCode | None = None
    document: Hex32 | None = None
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f]*$")] = ""
    basis: Basis = ""

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        unpacked = self.what == "unpacked"
        if unpacked == (self.quantity is not None):
            raise ValueError(
                said("quantity stands with all kinds but unpacked, and there it has to")
            )
        if unpacked != bool(self.packages):
            raise ValueError(said("packages stand with unpacked, and there they have to"))
        if len(set(self.packages)) != len(self.packages):
            raise ValueError(said("packages: one stands twice"))
        if (self.what == "reworked") != (self.into is not None):
            raise ValueError(said("into stands with reworked, and there it has to"))
        if self.what in WITH_A_REASON and not self.reason:
            raise ValueError(said("reason: why they are {what}", what=Word(self.what, "value")))
        return self


class MovementSettlement(WithReason):
    """Whether a movement is as it was told, as a person found it; else it counts no more."""

    movement: Code
    stands: bool


class LotComponent(BaseModel):
    """A lot that went into another."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    position: int
    role: Role
    lot: str | None
    maker: str | None
    number: str | None
    country: str | None
    quantity: int | None


class Package(BaseModel):
    """A package that was opened. `quantity`: so many pieces were in it; `fault`: why it cannot have
    been, empty where it can."""

    model_config = ConfigDict(frozen=True)

    uii: str
    quantity: int
    fault: PackageFault


class Movement(BaseModel):
    """What was told of a lot. `stands`: it counts; `settled`: when a person said so, or not."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    number: str
    what: MovementKind
    quantity: int
    into: str | None
    document: str | None
    verdict: Verdict
    stands: bool

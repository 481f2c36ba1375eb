"""What all requests to the register share: codes, names, and why something is done."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from central.register.acts import Why
from central.said import Quoting, Several, joined, raised_in, said

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
"""Without a slash: it stands as one step of an address, and in keys of two codes."""
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")]
Basis = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f]*$")]


class Asked(BaseModel):
    """A request's body: unknown fields are refused, also in what the wire contract lets grow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="after")
    def _nothing_unknown(self) -> Self:
        for name in type(self).model_fields:
            value = getattr(self, name)
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, BaseModel) and each.model_extra:
                    unknown = ", ".join(sorted(each.model_extra))
                    raise ValueError(
                        said("{name}: there is no {unknown}", name=name, unknown=unknown)
                    )
        return self


class WithReason(Asked):
    """An act says why. `basis`: the legal basis or the document that it stands on."""

    reason: Reason
    basis: Basis = ""

    @property
    def why(self) -> Why:
        return Why(self.reason, self.basis)


def faults_of(error: ValidationError, whole: str = "") -> Several:
    """Every fault, each with the field it stands in; `whole`: what stands for all of them."""
    found = []
    for fault in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in fault["loc"]) or whole
        english, sentence = f"{where}: {fault['msg']}", raised_in(fault)
        found.append(english if sentence is None else Quoting(english, sentence))
    return joined("; ", found)

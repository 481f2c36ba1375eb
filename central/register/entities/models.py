"""An entity as it is asked for and told of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,59}$")]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")]


class Asked(BaseModel):
    """A request's body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NewEntity(Asked):
    """`ncage` is the NATO or CAGE code of five characters, where the entity has one."""

    code: Code
    name: Name
    ncage: Annotated[str, Field(pattern=r"^[0-9A-HJ-NP-Z]{5}$")] | None = None

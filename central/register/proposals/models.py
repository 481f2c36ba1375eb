"""A proposal's words: what may be proposed, what it would do, and how it is decided."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from central.register.asked import Asked

ProposalKind = Literal[
    "licence-revocation",
    "exclusion",
    "exclusion-amendment",
    "exclusion-by-name",
    "sanction",
    "destruction",
    "settlement",
    "fork-settlement",
]
ProposalState = Literal["open", "confirmed", "declined", "withdrawn", "expired"]
OPEN_FOR = timedelta(days=7)
"""Within that another person confirms a proposal, or it is over."""


class Effect(BaseModel):
    """What it does, as it was tried when it was proposed: the licences that end, the entities that
    are excluded, how many articles it befalls, and of how many it cannot be true."""

    model_config = ConfigDict(frozen=True)

    licences: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    articles: int | None = None
    flagged: int | None = None


class Confirmation(Asked):
    """What the second person adds, in words."""

    remark: Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f]*$")] = ""

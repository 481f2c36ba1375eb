"""A print of a label as it is asked for."""

from typing import Annotated, Literal

from pydantic import Field

from central.register.asked import Asked, Code

MOST_COPIES = 50
PrintState = Literal["asked", "sent", "failed", "broken-off"]
"""`asked`: nothing is known but that. `sent`: the printer took all of it, which is not to say that
it was printed. `failed`: it was sent nothing. `broken-off`: it may have printed it or not."""


class NewPrint(Asked):
    """So many copies of a unit's label at a configured printer, under a number of its own.

    The same again is answered as it was, and is tried again where it had failed.
    """

    number: Code
    printer: Code
    copies: Annotated[int, Field(ge=1, le=MOST_COPIES)] = 1
    language: Literal["sq", "en"] = "sq"

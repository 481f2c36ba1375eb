"""How a Keyence MD and its stored jobs are set up, for this driver."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.envelope import Macro


class Options(BaseModel):
    """Times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dialect: Literal["job", "program"] = "job"
    """`job`: MD-X2000 and 2500. `program`: MD-X1000 and 1500, MD-F and MD-U."""
    macro: Macro = "06"
    """The ECC 200 macro that the job's 2D code uses; then only the envelope's body is sent."""
    code_block: int = Field(default=0, ge=0, le=246)
    """The number of the 2D code's block; the lines' blocks follow it."""
    lines: int = Field(default=1, ge=0, le=9)
    """Legible lines of each job; missing ones are idle."""
    raw_gs: bool = False
    """The 2D code's text may hold GS as it is."""
    idle_code: str = Field(default="0", pattern=r"^[0-9A-Z]*$", max_length=8)
    """The 2D code's text while nothing is armed."""
    idle_line: str = Field(default=" ", pattern=r"^[ -]*$", max_length=8)
    """A line's text while nothing is armed, and of a line that a mark does not have."""
    counter: str | None = Field(default=None, pattern=r"^[A-J]$")
    """A counter of all jobs that counts marks, seen on the machine itself; None: there is none."""
    marked_text: bool = True
    """`MarkedCharacter` is believed."""
    start_locked: bool = False
    """The marker takes `StartMarking` while triggers are locked: seen on the machine itself."""
    own_input: bool = True
    """Something is wired to its trigger input. It should not be: each trigger marks again."""
    shutter: bool = False
    """It has a laser safety module, whose shutter is opened before anything is armed."""
    clear_errors: bool = True
    """An error is cleared by disarming; else a person does it at the machine."""
    reply_seconds: float = Field(default=2.0, gt=0)
    """How long an answer may take, but that to a start."""
    quiet_seconds: float = Field(default=0.3, gt=0)
    """So long the line has to be quiet after a failure."""
    busy_seconds: float = Field(default=10.0, gt=0)
    """So long it may be busy before it is armed: expanding a text, moving its shutter."""
    poll_seconds: float = Field(default=0.05, gt=0)
    """Between two questions for its state."""
    mark_seconds: float = Field(default=60.0, gt=0)
    """The longest mark of any job; so long the answer to a start and a disarm wait for its end."""
    shortest_mark_seconds: float = Field(default=0.5, gt=0)
    """The shortest mark of any job: none can begin and end unseen in less."""

    @model_validator(mode="after")
    def _tells(self) -> Self:
        if self.counter is None and not self.marked_text:
            raise ValueError("nothing would tell what was marked: set counter or marked_text")
        return self

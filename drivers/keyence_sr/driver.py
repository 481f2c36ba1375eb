"""A Keyence SR-750, SR-1000 or SR-2000 over its commands as a CodeReader.

The host chooses the frame of its commands, and the replies mirror it; the frame of what was read is
set in the reader, and nothing is set from here: a setting command may be saved by the reader, and
its numbers differ from one series to the next. Frame layouts, their sources and what they leave
open are in `codec`; what stands for an acknowledgement in `link`; what makes a look count in
`drivers.triggered`. Nothing but `open` and `read` triggers.

Set on the reader: single reading, data sent after reading, one code a reading, and results on the
port that takes the commands. A content with a CR is told whole only with `data_framing = "stx"`,
set on the reader too.

Unverified: that NUM, ERRSTAT and KEYENCE are answered while a trigger is on, or refused with 20. A
result carries no number of its trigger.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.catalog import Kind
from drivers.keyence_sr.codec import NO_READ, Framing, Layout, explain
from drivers.keyence_sr.link import SrCommands, Ways, questions
from drivers.transport import ByteStream
from drivers.triggered import Link, TriggeredReader

Seconds = Annotated[float, Field(gt=0, le=60)]


class Options(BaseModel):
    """What can be set for a `keyence-sr` reader; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    framing: Literal["stx", "cr"] = "stx"
    """What stands around commands and replies; the reader takes both."""
    data_framing: Literal["cr", "stx"] = "cr"
    """What the reader is set to put around what it read: a CR behind it, or STX and ETX."""
    no_read: str = Field(NO_READ, pattern=r"^[!-~]{1,64}$")
    """What the reader sends when it read nothing."""
    appended: tuple[str, ...] = ()
    """Which items the reader is set to append; their order is the reader's."""
    delimiter: str = ":"
    """The character that parts them, as it is set in the reader."""
    reply_seconds: Seconds = 2.0
    """How long a reply may take."""
    answer_seconds: Seconds = 0.5
    """How long the answer to the first LOFF may take, before the reader is one that gives none."""
    result_seconds: Seconds = 1.0
    """How long after the end of a trigger the reader may still tell how it ended."""
    linger: Seconds = 0.05
    """How long after a code to wait for another that came along; so long nothing may come before
    a session."""
    aim_identifiers: bool = False
    """The reader is set to put the *symbol ID* (`]d1`) before each code."""

    @model_validator(mode="after")
    def _items_are_known(self) -> "Options":
        layout = self.layout
        if layout.delimiter in self.no_read:
            raise ValueError("no_read holds the delimiter")
        return self

    @property
    def layout(self) -> Layout:
        return Layout(frozenset(self.appended), self.delimiter)


class KeyenceSr(TriggeredReader):
    """Implements `drivers.protocols.CodeReader`."""

    def __init__(self, url: str, options: Options, name: str) -> None:
        super().__init__(
            url,
            name,
            self._link_on,
            no_read=options.no_read,
            linger=options.linger,
            result_seconds=options.result_seconds,
            aim_identifiers=options.aim_identifiers,
        )
        self._ways = Ways(
            Framing(options.framing),
            Framing(options.data_framing),
            options.layout,
            options.no_read,
            options.reply_seconds,
            options.answer_seconds,
        )
        self._questions = questions()

    def _link_on(self, stream: ByteStream) -> Link:
        return SrCommands(stream, self._name, self._ways, self._questions)


def _build(url: str, options: Options, name: str) -> KeyenceSr:
    return KeyenceSr(url, options, name)


KIND = Kind("keyence-sr", "reader", Options, _build, grades=True, explain=explain)

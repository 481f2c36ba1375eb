"""A Honeywell scanner (Xenon, Granit, Vuquest, N86) over serial commands as a CodeReader.

Each time the wire is opened `configure` sets, until the reader is switched off and never saved:
manual trigger, its time, the message of nothing read, and for all symbologies a prefix and a
suffix. They take the place of those that the reader has, because a suffix of CR alone cuts a
content in two that holds one. With or without it they are read back, and a reader that is set
otherwise is refused. Frame layouts, their sources and what they leave open are in `codec`, how a
trigger is proved in `link`, and what makes a look count in `drivers.triggered`. Nothing but `open`
and `read` triggers.

Set on the reader: an RS-232 or USB serial interface, and no data format of its own.

Unverified: that the message of nothing read comes when a trigger is ended by command; the manual
says so of a trigger that is let go. A result carries no number of its trigger, and no grade.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from drivers.catalog import Kind
from drivers.honeywell.codec import NO_READ, explain, is_prefix
from drivers.honeywell.link import MenuCommands, Ways, orders
from drivers.transport import ByteStream
from drivers.triggered import Link, TriggeredReader

Seconds = Annotated[float, Field(gt=0, le=60)]


class Options(BaseModel):
    """What can be set for a `honeywell` reader; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    configure: bool = True
    """Send the reader its settings when the wire is opened."""
    trigger_seconds: float = Field(30.0, gt=0, le=300)
    """How long a trigger looks at most; after it the reader is triggered again."""
    prefix: str = "\x02"
    """The control character that begins what was read."""
    suffix: str = Field("\x03", pattern=r"^[\x01-\x5b\x5d-\x7e]{1,8}$")
    """What ends it. No code may hold it; where one might, a longer suffix tells it apart."""
    no_read: str = Field(NO_READ, pattern=r"^[!-~]{1,64}$")
    """What the reader sends when it read nothing; another than NR by a data format of its own."""
    reply_seconds: Seconds = 2.0
    """How long an answer may take."""
    result_seconds: Seconds = 1.0
    """How long after the end of a trigger the reader may still tell how it ended."""
    linger: Seconds = 0.05
    """How long after a code to wait for another that came along; so long nothing may come before
    a session."""
    aim_identifiers: bool = False
    """Have the reader put AIM code identifiers (`]d1`) before each code."""

    @field_validator("prefix")
    @classmethod
    def _begins_no_answer(cls, prefix: str) -> str:
        if not is_prefix(prefix.encode("latin-1", "replace")):
            raise ValueError("the prefix is one control character that stands in no answer")
        return prefix

    @model_validator(mode="after")
    def _both_ends_differ(self) -> "Options":
        if self.prefix in self.suffix or self.suffix in self.no_read:
            raise ValueError("the suffix holds the prefix, or no_read the suffix")
        return self


class Honeywell(TriggeredReader):
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
            options.configure,
            options.trigger_seconds,
            options.reply_seconds,
            options.no_read,
            options.prefix.encode("latin-1"),
            options.suffix.encode("latin-1"),
            options.aim_identifiers,
        )
        self._orders = orders()

    def _link_on(self, stream: ByteStream) -> Link:
        return MenuCommands(stream, self._name, self._ways, self._orders)


def _build(url: str, options: Options, name: str) -> Honeywell:
    return Honeywell(url, options, name)


KIND = Kind("honeywell", "reader", Options, _build, explain=explain)

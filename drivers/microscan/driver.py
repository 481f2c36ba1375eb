"""A Microscan or Omron MicroHAWK reader over K-commands as a CodeReader.

`configure` sets what is needed each time the wire is opened, until the reader is switched off:
trigger by serial data, its character, the end of a read cycle by time, the message of nothing read.
With or without it, these four are read back. Frame layouts and their sources are in `codec`, what
stands for an acknowledgement in `link`, and what makes a look count in `drivers.triggered`. Nothing
but `open` and `read` triggers.

Set on the reader: symbol data output *good read*, *as soon as possible*, one symbol a read cycle; a
postamble of CR LF; the protocol, point-to-point or ACK/NAK with STX, ETX and LRC (`acknak`).

Unverified: that asking for the status ends what it tells of wrong commands; that a read cycle with
a code ends with that code. A result carries no number of its trigger, and no grade.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from drivers.catalog import Kind
from drivers.microscan.codec import NO_READ, TRIGGER, explain
from drivers.microscan.link import KCommands, Protocol, Ways
from drivers.transport import ByteStream
from drivers.triggered import Link, TriggeredReader

Seconds = Annotated[float, Field(gt=0, le=60)]


class Options(BaseModel):
    """What can be set for a `microscan` reader; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: Protocol = "point-to-point"
    """What the reader is set to speak; `ack-nak` with STX, ETX and LRC."""
    configure: bool = True
    """Send the reader its settings when the wire is opened."""
    cycle_seconds: Seconds = 0.5
    """How long a read cycle looks for a code."""
    trigger: str = Field(TRIGGER, pattern=r'^[ "-+\-./0-9:;=@B-JL-Y\[-~]$')
    """The character that triggers, between `<` and `>`; none that begins a command of another
    meaning in the reader at hand."""
    no_read: str = Field(NO_READ, pattern=r"^[ -+\--;=?-~]{1,64}$")
    """What the reader sends when it read nothing."""
    preamble: str = ""
    """What the reader is set to send before each code."""
    reply_seconds: Seconds = 2.0
    """How long an answer may take."""
    result_seconds: Seconds = 1.0
    """How long after the end of a read cycle the reader may still tell how it ended."""
    gap_seconds: Seconds = 0.1
    """In the ACK/NAK protocol: the silence within a frame that makes it a damaged one."""
    linger: Seconds = 0.05
    """How long after a code to wait for another; so long nothing may come before a session."""
    aim_identifiers: bool = False
    """The reader is set to put AIM code identifiers (`]d1`) before each code."""


class Microscan(TriggeredReader):
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
            options.cycle_seconds,
            options.reply_seconds,
            options.trigger,
            options.no_read,
            options.preamble.encode("latin-1"),
            options.protocol,
            options.gap_seconds,
        )

    def _link_on(self, stream: ByteStream) -> Link:
        return KCommands(stream, self._name, self._ways)


def _build(url: str, options: Options, name: str) -> Microscan:
    return Microscan(url, options, name)


KIND = Kind(
    "microscan",
    "reader",
    Options,
    _build,
    strangers=({"configure": False},),
    explain=explain,
)

"""A Cognex DataMan over DMCC as a CodeReader.

Set on the reader: trigger type *single* or *manual*, DMCC on the wire that is used, and for what
was read an end of CR LF. Frame layouts, their sources and what they leave open are in `codec`; the
two ways of a reader to answer in `link`. Nothing but `open` and `read` triggers.

What makes a look count is in `drivers.triggered`. DMCC has no command to empty a queue: a flush
ends any trigger, waits until nothing more comes, and asks a question, whose answer comes after
whatever the reader still held.

Unverified: that a reader sends what it read only after it acknowledged the trigger (what comes
earlier is dropped).
A result carries no number of its trigger, no symbology and no grade.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.catalog import Kind
from drivers.cognex_dmcc.codec import NO_READ, Results, Span, explain
from drivers.cognex_dmcc.link import Extended, Silent, Ways, numbers
from drivers.transport import ByteStream
from drivers.triggered import Link, TriggeredReader

Seconds = Annotated[float, Field(gt=0, le=60)]


class Options(BaseModel):
    """What can be set for a `cognex-dmcc` reader; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    responses: Literal["extended", "silent"] = "extended"
    """How the reader answers; silent is what it does as the maker delivers it."""
    configure: bool = True
    """Have the reader answer in that way when the wire is opened; it is not saved in it."""
    extended_mode: Literal[1, 2] = 1
    """The number of extended responses: 1 by the manual; 2 is in use with firmware 6.1."""
    results: Literal["base64", "framed", "plain"] = "base64"
    """How extended responses bring what was read: `base64`, `framed` (a header and the text), or
    `plain` (the text alone)."""
    no_read: str = NO_READ
    """What the reader sends when it read nothing, as it is set there; empty if it sends nothing."""
    checksum: bool = False
    """Commands and replies carry a checksum."""
    checksum_span: Literal["whole", "body"] = "whole"
    """Over which bytes: `whole` (the header too) or `body`."""
    reply_seconds: Seconds = 2.0
    """How long a reply may take."""
    result_seconds: Seconds = 1.0
    """How long after the end of a trigger the reader may still tell how it ended."""
    linger: Seconds = 0.05
    """How long after a code to wait for another that came along; so long nothing may come before
    a session."""
    aim_identifiers: bool = False
    """The reader is set to put AIM code identifiers (`]d1`) before each code."""

    @model_validator(mode="after")
    def _silence_needs_a_word(self) -> "Options":
        if self.responses == "silent" and not self.no_read:
            raise ValueError("silent responses need no_read, or nothing tells the end of a look")
        return self


class CognexDmcc(TriggeredReader):
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
        self._options = options
        self._idents = numbers()

    def _link_on(self, stream: ByteStream) -> Link:
        options = self._options
        ways = Ways(
            options.configure,
            options.extended_mode,
            options.reply_seconds,
            Results(options.results),
            options.checksum,
            Span(options.checksum_span),
        )
        if options.responses == "silent":
            return Silent(stream, self._name, ways)
        return Extended(stream, self._name, ways, self._idents)


def _build(url: str, options: Options, name: str) -> CognexDmcc:
    return CognexDmcc(url, options, name)


KIND = Kind(
    "cognex-dmcc",
    "reader",
    Options,
    _build,
    strangers=({"configure": False}, {"configure": False, "responses": "silent"}),
    explain=explain,
)

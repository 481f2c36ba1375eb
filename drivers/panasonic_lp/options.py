"""The options of the kind `panasonic-lp`, and which of them its wire can have.

Checksum and CR LF exist on its RS-232 alone (C p.31, S p.111). A `tcp://` or `tls://` URL does not
say whether it leads to the marker's own Ethernet or to a serial server before its RS-232; a setting
that only the second can have would else be found out as silence. So the URL means Ethernet, unless
`serial_server` says otherwise; rfc2217:// is a serial server by itself.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.envelope import Macro
from drivers.panasonic_lp.codec import Mode
from drivers.transport import SerialTarget, TcpTarget, TlsTarget, parse_url


class Options(BaseModel):
    """How the marker and its stored jobs are set up; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode = "compatible"
    """The command mode that the marker has to answer in."""
    set_mode: bool = False
    """A marker in the other mode is changed by RSM, which it forgets; else it is refused."""
    serial_server: bool = False
    """tcp:// or tls:// leads to a serial server before the marker's RS-232, not to its Ethernet."""
    checksum: bool = False
    """The marker's own setting. Off by default there; on protects the engraved text."""
    terminator: Literal["cr", "crlf"] = "cr"
    """What ends a frame, as it is set on the marker."""
    macro: Macro = "06"
    """The ECC 200 macro that the job's 2D code uses; then only the envelope's body is sent."""
    lines: int | None = Field(default=None, ge=0, le=15)
    """Legible lines of the job; missing ones are sent blank. None: as many as the mark has."""
    own_input: bool = True
    """Something but this driver may trigger it: a pedal, a PLC."""
    reply_seconds: float = Field(default=2.0, gt=0)
    """How long an answer may take."""
    pumping_seconds: float = Field(default=30.0, gt=0)
    """How long pumping may take until it is done."""
    shutter_seconds: float = Field(default=8.0, gt=0)
    """How long the shutter may take to open."""
    text_wait_seconds: float = Field(default=1.0, ge=0)
    """Between reception OFF and the first text: "1 second or more" (C p.73)."""
    ready_seconds: float = Field(default=2.0, gt=0)
    """How long after the text it may take until it would fire."""
    mark_seconds: float = Field(default=15.0, gt=0)
    """The longest mark of any job; so long an end report may take."""
    shortest_mark_seconds: float = Field(default=0.5, gt=0)
    """The shortest mark of any job: none can begin and end unseen in less."""


def check_wire(url: str, options: Options) -> None:
    """Raises ValueError for a wrong URL, and for settings that its wire cannot have."""
    target = parse_url(url)
    if options.serial_server and isinstance(target, SerialTarget):
        raise ValueError(f"{url!r}: serial_server is said of tcp://, and this is a serial port")
    ethernet = isinstance(target, TcpTarget | TlsTarget) and not options.serial_server
    if ethernet and (options.checksum or options.terminator != "cr"):
        raise ValueError(
            f"{url!r}: by Ethernet there is no checksum and the end code is CR;"
            " set serial_server if a serial server stands before the marker's RS-232"
        )

"""What can stand at the demo's lines: each kind of marker and reader, set up on both its sides.

A device that is set up otherwise than its driver expects does nothing right, so what the two have
to agree on stands here side by side.
"""

from dataclasses import dataclass, field
from typing import Any

ON_WIRES = frozenset({"flip", "drop", "delay", "cut", "double", "split"})
"""What can happen to the bytes of any wire."""


@dataclass(frozen=True)
class Equipment:
    """A device at a line: its simulator's options, and its driver's."""

    kind: str
    wire: str = "serial"
    """`serial`, or `tcp` or `http` for a port that is chosen at the start."""
    simulator: dict[str, str] = field(default_factory=dict)
    driver: dict[str, Any] = field(default_factory=dict)
    waits: dict[str, tuple[float, float]] = field(default_factory=dict)
    """The driver's waits for a real device, in seconds, which are divided by the simulators' speed;
    and how short each may become before this machine's own delays count for more."""
    jobs: tuple[str, str, str] = ("", "", "")
    """A marker's stored jobs for receiver, barrel and slide, as its maker names them."""


_FILES = ("receiver.t2l", "barrel.t2l", "slide.t2l")
_PATTERNS = ("RECEIVER", "BARREL", "SLIDE")

MARKERS = {
    each.kind: each
    for each in (
        Equipment(
            "gravotech-tl07",
            "tcp",
            {"lines": "1", "files": ",".join(("blank.t2l", *_FILES))},
            {"lines": 1, "reply_seconds": 0.5},
            {
                "load_seconds": (10.0, 1.0),
                "mark_seconds": (15.0, 1.0),
                "shortest_mark_seconds": (2.0, 0.0),
            },
            _FILES,
        ),
        Equipment(
            "keyence-md",
            "tcp",
            {"lines": "1", "jobs": "7,8,9", "counter": "A"},
            {
                "counter": "A",
                "raw_gs": True,
                "reply_seconds": 0.5,
                "quiet_seconds": 0.1,
                "poll_seconds": 0.02,
            },
            {
                "busy_seconds": (10.0, 1.0),
                "mark_seconds": (15.0, 1.0),
                "shortest_mark_seconds": (2.0, 0.0),
            },
            ("7", "8", "9"),
        ),
        Equipment(
            "modbus-cell",
            "tcp",
            {"positions": "1", "jobs": "7,8,9"},
            jobs=("7", "8", "9"),
        ),
        Equipment(
            "panasonic-lp",
            "serial",
            {"checksum": "on", "lines": "1"},
            {"checksum": True, "lines": 1, "own_input": False, "reply_seconds": 0.5},
            {
                "text_wait_seconds": (1.2, 0.05),
                "mark_seconds": (15.0, 1.0),
                "shortest_mark_seconds": (2.0, 0.0),  # the simulator's every mark
            },
            ("0007", "0008", "0009"),
        ),
        Equipment(
            "telesis",
            "serial",
            {"lines": "1", "patterns": ",".join(("BLANK", *_PATTERNS))},
            {
                "lines": 1,
                "raw_gs": True,
                "reply_seconds": 0.5,
                "quiet_seconds": 0.2,
                "poll_seconds": 0.02,
            },
            {
                "ready_seconds": (10.0, 1.0),
                "mark_seconds": (15.0, 1.0),
                "shortest_mark_seconds": (2.0, 0.0),
            },
            _PATTERNS,
        ),
    )
}
READERS = {
    each.kind: each
    for each in (
        Equipment("camera", "http", driver={"latency_seconds": 0.02}),
        Equipment("cognex-dmcc", "tcp"),
        Equipment("honeywell"),
        Equipment(
            "keyence-sr",
            "tcp",
            {"data": "stx", "append": "aim-dpm"},
            {"data_framing": "stx", "appended": ["aim-dpm"]},
        ),
        Equipment("microscan", driver={"cycle_seconds": 0.1}),
        Equipment("zebra-ssi", driver={"resend_seconds": 0.1}),
    )
}
MARKER, READER = "panasonic-lp", "zebra-ssi"
"""What stands at Gramsh where nobody asks for another."""

"""The camera by HTTP. Its frames are those of HTTP, and what they carry is a picture.

A JPEG file has no check of its own, and a wire whose bytes were damaged beyond what TCP sees can
hide a mark in it; a camera that answers with a picture that it took before shows by nothing.
"""

from tests.families import Device

DEVICE = Device(
    name="camera",
    kind="camera",
    role="reader",
    options={"latency_seconds": 0.02, "pause_seconds": 0.02, "reply_seconds": 2.0},
    speed=1.0,
    wire="http://127.0.0.1:0",
    late=2.5,
    unseen=frozenset({"stale"}),
    hiding=frozenset({"flip", "double", "noise"}),
    lacks=frozenset({"refusals"}),
)

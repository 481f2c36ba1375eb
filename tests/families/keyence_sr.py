"""Keyence SR readers."""

from collections.abc import Callable

from drivers.keyence_sr import codec
from drivers.keyence_sr.codec import NO_READ, FrameError, Framing, Layout, Splitter
from tests.families import Codec, Ear, Family

_PLAIN, _GRADED = Layout(), Layout(frozenset({"time", "unused-ecc", "aim-dpm-details", "image"}))


def _ears() -> dict[str, Ear]:
    def replied(framing: Framing) -> Callable[[bytes], object]:
        return lambda frame: codec.decode_reply(frame, framing)

    def read(framing: Framing, layout: Layout) -> Callable[[bytes], object]:
        return lambda frame: codec.decode_result(frame, layout, framing, NO_READ)

    def counts(frame: bytes) -> object:
        return codec.decode_counts(codec.decode_reply(frame, Framing.STX))

    return {
        "both": Ear(
            lambda: Splitter(Framing.CR, Framing.STX),
            (codec.decode_command, *map(replied, Framing), counts),
        ),
        "results": Ear(
            lambda: Splitter(Framing.CR),
            (read(Framing.CR, _PLAIN), read(Framing.CR, _GRADED)),
        ),
        "framed": Ear(lambda: Splitter(Framing.STX), (read(Framing.STX, _GRADED),)),
    }


FAMILY = Family(
    name="keyence_sr",
    kind="keyence-sr",
    role="reader",
    codec=Codec(
        folder="keyence_sr",
        tests="test_keyence_codec.py",
        vectors=("test_vector_both_ways", "test_causes", "test_versions"),
        round_trips=(
            "test_a_content_comes_back_between_its_items",
            "test_a_command_comes_back",
            "test_counts_come_back",
        ),
        errors=(FrameError,),
        ears=_ears,
    ),
    device={"decode_seconds": "0.03"},
    options={"reply_seconds": 0.3, "result_seconds": 0.15, "linger": 0.03, "answer_seconds": 0.15},
    speed=1.0,
    unseen=frozenset({"flip", "short", "double", "noise"}),
)

"""Honeywell scanners by serial programming commands."""

from drivers.honeywell import codec
from drivers.honeywell.codec import FrameError, Splitter
from tests.families import Codec, Ear, Family


def _revisions(frame: bytes) -> object:
    return [codec.decode_revisions(part) for part in codec.decode_answer(frame)]


FAMILY = Family(
    name="honeywell",
    kind="honeywell",
    role="reader",
    codec=Codec(
        folder="honeywell",
        tests="test_honeywell_codec.py",
        vectors=("test_vector_both_ways", "test_questions_and_what_stands_around_a_code"),
        round_trips=(
            "test_commands_come_back",
            "test_an_answer_comes_back",
            "test_a_content_comes_back_whatever_it_holds",
        ),
        errors=(FrameError,),
        ears=lambda: {
            "all": Ear(
                lambda: Splitter(b"\x02", b"\r"),
                (
                    codec.decode_menu,
                    _revisions,
                    codec.is_answer,
                    lambda frame: codec.decode_result(frame, b"\x02", b"\r"),
                ),
            )
        },
    ),
    device={"decode_seconds": "0.03"},
    options={"reply_seconds": 0.3, "result_seconds": 0.15, "linger": 0.03},
    speed=1.0,
    unseen=frozenset({"flip", "short", "double", "noise"}),
)

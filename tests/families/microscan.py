"""Microscan and Omron MicroHAWK by K-commands."""

from drivers.microscan import acknak, codec
from drivers.microscan.codec import FrameError, Splitter
from tests.families import Codec, Ear, Family


class _Framed(acknak.Splitter):
    """Frames with an LRC and signals; what a silence ends in life is forgotten here."""

    garbage = 0

    def __init__(self) -> None:
        super().__init__(lambda body: bool(acknak.answer_in(body)))

    def reset(self) -> None:
        self.garbage += self.give_up()


FAMILY = Family(
    name="microscan",
    kind="microscan",
    role="reader",
    codec=Codec(
        folder="microscan",
        tests="test_microscan_codec.py",
        vectors=("test_vector_both_ways", "test_one_digit_is_the_low_one", "test_questions"),
        round_trips=(
            "test_a_setting_comes_back",
            "test_a_status_comes_back",
            "test_a_content_comes_back",
        ),
        errors=(FrameError,),
        ears=lambda: {
            "all": Ear(
                Splitter,
                (
                    codec.decode_command,
                    codec.decode_setting,
                    codec.decode_status,
                    codec.decode_firmware,
                    codec.decode_result,
                    lambda frame: codec.decode_result(frame, b"="),
                    codec.is_answer,
                ),
            ),
            "ack/nak": Ear(
                _Framed,
                (
                    acknak.decode_frame,
                    acknak.decode_result,
                    lambda body: acknak.decode_result(body, b"="),
                    acknak.answer_in,
                ),
            ),
        },
    ),
    device={"decode_seconds": "0.03"},
    options={"reply_seconds": 0.3, "result_seconds": 0.15, "linger": 0.03, "cycle_seconds": 0.1},
    speed=1.0,
    unseen=frozenset({"flip", "short", "double", "noise"}),
)

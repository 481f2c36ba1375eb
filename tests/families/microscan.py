"""Microscan and Omron MicroHAWK by K-commands."""

from drivers.microscan import codec
from drivers.microscan.codec import FrameError, Splitter
from tests.families import Codec, Ear, Family

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
            )
        },
    ),
    device={"decode_seconds": "0.03"},
    options={"reply_seconds": 0.3, "result_seconds": 0.15, "linger": 0.03, "cycle_seconds": 0.1},
    speed=1.0,
    unseen=frozenset({"flip", "short", "double", "noise"}),
)

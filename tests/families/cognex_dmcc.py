"""Cognex DataMan by DMCC."""

from collections.abc import Callable

from drivers.cognex_dmcc import codec
from drivers.cognex_dmcc.codec import FrameError, Results, Span, Splitter
from tests.families import Codec, Ear, Family


def _result(results: Results) -> Callable[[bytes], object]:
    return lambda frame: codec.decode_result(frame, results, Span.WHOLE)


FAMILY = Family(
    name="cognex_dmcc",
    kind="cognex-dmcc",
    role="reader",
    codec=Codec(
        folder="cognex_dmcc",
        tests="test_cognex_codec.py",
        vectors=(
            "test_commands_both_ways",
            "test_replies_both_ways",
            "test_results_both_ways",
            "test_the_file_keeps_the_rule_of_the_checksum",
            "test_texts",
        ),
        round_trips=(
            "test_a_command_comes_back",
            "test_a_reply_comes_back",
            "test_any_content_comes_back_in_base64",
            "test_any_content_of_one_line_comes_back",
        ),
        errors=(FrameError,),
        ears=lambda: {
            "commands": Ear(Splitter, (codec.decode_command,)),
            "replies": Ear(
                lambda: Splitter(marked=True),
                (
                    codec.decode_reply,
                    lambda frame: codec.decode_reply(frame, Span.BODY),
                    codec.is_reply,
                ),
            ),
            "results": Ear(
                Splitter,
                tuple(_result(results) for results in Results),
            ),
        },
    ),
    device={"decode_seconds": "0.03"},
    options={"reply_seconds": 0.3, "result_seconds": 0.15, "linger": 0.03},
    speed=1.0,
    unseen=frozenset({"flip", "noise"}),
)

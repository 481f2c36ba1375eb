"""Keyence MD-X and MD-F lasers."""

from collections.abc import Callable

from drivers.keyence_md import codec
from drivers.keyence_md.codec import Answer, Dialect, MalformedError, Splitter
from tests.families import Codec, Ear, Family


def _command(dialect: Dialect) -> Callable[[bytes], object]:
    return lambda frame: codec.decode_command(frame, dialect)


def _answered(parse: Callable[[Answer], object]) -> Callable[[bytes], object]:
    def parsed(frame: bytes) -> object:
        reply = codec.decode_reply(frame)
        return parse(reply) if isinstance(reply, Answer) else reply

    return parsed


_PARSERS: tuple[Callable[[Answer], object], ...] = (
    codec.parse_ready,
    codec.parse_errors,
    codec.parse_flag,
    codec.parse_job,
    codec.parse_counter,
)

FAMILY = Family(
    name="keyence_md",
    kind="keyence-md",
    role="marker",
    codec=Codec(
        folder="keyence_md",
        tests="test_keyence_md_codec.py",
        vectors=("test_line_of_a_client", "test_a_refusal_is_told_in_words"),
        round_trips=(
            "test_a_command_that_is_encoded_is_decoded",
            "test_a_reply_that_is_encoded_is_decoded",
        ),
        errors=(MalformedError,),
        ears=lambda: {"lines": Ear(Splitter, (*map(_command, Dialect), *map(_answered, _PARSERS)))},
    ),
    options={
        "reply_seconds": 0.25,
        "quiet_seconds": 0.03,
        "poll_seconds": 0.005,
        "busy_seconds": 0.5,
        "counter": "A",
        "mark_seconds": 1.0,
    },
    device={"counter": "A"},
    wire="tcp://127.0.0.1:0",
    job="0007",
)

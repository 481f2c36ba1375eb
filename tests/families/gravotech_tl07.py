"""Gravotech with a TL07 controller."""

from drivers.gravotech_tl07 import codec
from drivers.gravotech_tl07.codec import (
    COMMAND_END,
    REPLY_END,
    MalformedError,
    Readback,
    Splitter,
    Text,
)
from tests.families import Codec, Ear, Family


def _value(frame: bytes) -> object:
    reply = codec.decode_reply(frame)
    if not isinstance(reply, Text):
        return reply
    form = tuple(Readback)[len(reply.line) % len(Readback)]
    return codec.parse_value(reply, form)


def _count(frame: bytes) -> object:
    reply = codec.decode_reply(frame)
    return codec.parse_count(reply) if isinstance(reply, Text) else reply


FAMILY = Family(
    name="gravotech_tl07",
    kind="gravotech-tl07",
    role="marker",
    codec=Codec(
        folder="gravotech_tl07",
        tests="test_gravotech_codec.py",
        vectors=("test_line_of_the_manual",),
        round_trips=(
            "test_a_command_that_is_encoded_is_decoded",
            "test_a_reply_that_is_encoded_is_decoded",
            "test_any_text_is_read_back_or_a_named_error",
        ),
        errors=(MalformedError,),
        ears=lambda: {
            "commands": Ear(lambda: Splitter(COMMAND_END), (codec.decode_command,)),
            "replies": Ear(
                lambda: Splitter(REPLY_END), (_value, _count, codec.is_event, codec.is_start)
            ),
        },
    ),
    options={"lines": 1, "reply_seconds": 0.3, "load_seconds": 0.3, "mark_seconds": 1.0},
    wire="tcp://127.0.0.1:0",
    job="part.t2l",
)

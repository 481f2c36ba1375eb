"""Telesis with a BM470 controller."""

from drivers.telesis import codec
from drivers.telesis.codec import Format, MalformedError, Replies, Splitter
from tests.families import Codec, Ear, Family


def _ears() -> dict[str, Ear]:
    forms = {
        "framed": Format(),
        "bare": Format("hex", "07", Replies.BARE),
        "unchecked": Format("none"),
    }

    def ear(form: Format) -> Ear:
        def meaning(frame: bytes) -> object:
            data = codec.decode_command(frame, form).data
            return codec.parse_signals(data) if ";" in data else codec.parse_field(data)

        return Ear(
            lambda: Splitter(form),
            (
                lambda frame: codec.decode_command(frame, form),
                lambda frame: codec.decode_reply(frame, form),
                meaning,
            ),
        )

    return {name: ear(form) for name, form in forms.items()}


FAMILY = Family(
    name="telesis",
    kind="telesis",
    role="marker",
    codec=Codec(
        folder="telesis",
        tests="test_telesis_codec.py",
        vectors=("test_frame_of_the_manual", "test_block_check_by_another_hand"),
        round_trips=(
            "test_a_command_that_is_encoded_is_decoded",
            "test_a_reply_that_is_encoded_is_decoded",
        ),
        errors=(MalformedError,),
        ears=_ears,
    ),
    options={
        "lines": 1,
        "reply_seconds": 0.25,
        "quiet_seconds": 0.03,
        "poll_seconds": 0.005,
        "ready_seconds": 0.3,
        "mark_seconds": 1.0,
    },
    job="PART",
)

"""Panasonic LP-GS and LP-400, in the mode compatible with LP-400/V."""

from collections.abc import Callable

from drivers.panasonic_lp import codec
from drivers.panasonic_lp.codec import Answer, Command, Format, MalformedError, Splitter
from tests.families import Codec, Ear, Family

_PARSERS: tuple[Callable[[str], object], ...] = (
    codec.parse_file_number,
    codec.parse_flag,
    codec.parse_reception,
    codec.parse_shot_text,
    codec.parse_stored_line,
    codec.parse_stored_code,
    codec.parse_status,
    codec.parse_end_report,
)


def _ears() -> dict[str, Ear]:
    def ear(form: Format) -> Ear:
        def meant(parse: Callable[[str], object]) -> Callable[[bytes], object]:
            def parsed(frame: bytes) -> object:
                message = codec.decode(frame, form)
                return parse(message.data) if isinstance(message, Command | Answer) else message

            return parsed

        return Ear(lambda: Splitter(form), tuple(meant(parse) for parse in _PARSERS))

    return {
        "cr": ear(Format()),
        "crlf, checksum": ear(Format(True, codec.TERMINATORS["crlf"])),
    }


FAMILY = Family(
    name="panasonic_lp",
    kind="panasonic-lp",
    role="marker",
    codec=Codec(
        folder="panasonic_lp",
        tests="test_panasonic_codec.py",
        vectors=("test_frame_of_the_manual", "test_checksum_by_another_hand"),
        round_trips=("test_what_is_encoded_is_decoded",),
        errors=(MalformedError,),
        ears=_ears,
    ),
    device={"checksum": "on"},
    options={
        "checksum": True,
        "text_wait_seconds": 1.05 / 200.0,
        "reply_seconds": 0.3,
        "mark_seconds": 0.3,
        "ready_seconds": 0.3,
    },
    job="12",
)

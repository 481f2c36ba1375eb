"""Panasonic LP-GS and LP-400: the codec in both command modes, the device in the compatible one."""

from collections.abc import Callable

from drivers.panasonic_lp import codec
from drivers.panasonic_lp.codec import Answer, Command, Format, MalformedError, Splitter
from tests.families import Codec, Ear, Family


def _ear(form: Format) -> Ear:
    parsers: tuple[Callable[[str], object], ...] = (
        lambda data: codec.parse_file_number(data, form.mode),
        codec.parse_flag,
        codec.parse_reception,
        lambda data: codec.parse_shot_text(data, form.mode),
        codec.parse_stored_line,
        codec.parse_stored_code,
        lambda data: codec.parse_status(data, form.mode),
        codec.parse_end_report,
    )

    def meant(parse: Callable[[str], object]) -> Callable[[bytes], object]:
        def parsed(frame: bytes) -> object:
            message = codec.decode(frame, form)
            return parse(message.data) if isinstance(message, Command | Answer) else message

        return parsed

    return Ear(lambda: Splitter(form), tuple(meant(parse) for parse in parsers))


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
        ears=lambda: {
            "cr": _ear(Format()),
            "crlf, checksum": _ear(Format(True, codec.TERMINATORS["crlf"])),
            "standard": _ear(Format(mode="standard")),
        },
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

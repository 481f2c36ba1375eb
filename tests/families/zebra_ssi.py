"""Zebra and Symbol by SSI."""

from drivers.zebra_ssi import codec
from drivers.zebra_ssi.codec import Assembler, PacketError, Splitter
from tests.families import Codec, Ear, Family


def _assembled(frame: bytes) -> object:
    """The frame as the first and as a further one of a code."""
    packet, assembler = codec.decode(frame), Assembler()
    first = assembler.add(packet)
    return first, assembler.add(codec.again(packet)), assembler.add(packet)


FAMILY = Family(
    name="zebra_ssi",
    kind="zebra-ssi",
    role="reader",
    codec=Codec(
        folder="zebra_ssi",
        tests="test_zebra_codec.py",
        vectors=(
            "test_the_file_keeps_the_manuals_rule",
            "test_vector_both_ways",
            "test_the_settings_of_a_host",
            "test_code_types",
            "test_revision",
        ),
        round_trips=(
            "test_encode_then_decode_is_the_identity",
            "test_frames_then_assembling_is_the_identity",
            "test_capabilities",
        ),
        errors=(PacketError,),
        ears=lambda: {
            "packets": Ear(
                Splitter,
                (
                    _assembled,
                    lambda frame: codec.decode_settings(codec.decode(frame)),
                    lambda frame: codec.decode_capabilities(codec.decode(frame)),
                    lambda frame: codec.decode_revision(codec.decode(frame)),
                    lambda frame: codec.nak_cause(codec.decode(frame)),
                ),
            )
        },
    ),
    device={"decode_seconds": "0.03", "character_timeout": "0.03"},
    options={"response_timeout": 0.2, "character_timeout": 0.03, "resend_seconds": 0.1},
    speed=1.0,
)

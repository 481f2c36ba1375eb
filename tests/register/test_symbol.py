"""The size of a Data Matrix, against what an independent encoder chose.

The sizes are those of zxing-cpp 3, asked for squares, which tries all encodations. It writes the
header and the end of format 06 as a macro where it can; so those contents stand here without EOT.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.register.products.symbol import CAPACITY, Size, size


@pytest.mark.parametrize(
    ("content", "side"),
    [
        ("A", 10),
        ("123456", 10),
        ("AIMAIMAIM", 14),
        ("9" * 44, 20),
        ("[)>\x1e06\x1d17V2G59D\x1d1PR\x1dSV5127\x1e", 20),
        ("[)>\x1e06\x1d17V54RBR\x1d1P7\x1dS718226\x1e", 20),
        ("[)>\x1e06\x1d17VV63FV\x1d1PYK\x1dSRI000195188\x1e", 22),
        ("[)>\x1e06\x1d17V3CULJ\x1d1P7Y6JYCZ\x1dSCEZ861853\x1e", 22),
        ("[)>\x1e12\x1dCAG P0U5W\x1dSER ATG030899\x1e\x04", 22),
        ("[)>\x1e12\x1dCAG WQP47\x1dPNO 7A8\x1dSEQ 9103548\x1e\x04", 22),
        ("[)>\x1e06\x1d17VPSA7H\x1d1TGY626L001-012\x1dS400177109\x1e", 24),
        ("[)>\x1e06\x1d17VTO6B3\x1d1P3GYPJ6-UA8E/\x1dS118100\x1d20PVF\x1e", 24),
        ("[)>\x1e12\x1dCAG QKHJA\x1dPNO D\x1dSEQ KQ30802\x1dPDT YSA\x1e\x04", 24),
        ("[)>\x1e12\x1dCAG 18T77\x1dPNO E8TEOIGG5\x1dSEQ 8E000987012\x1e\x04", 24),
        ("[)>\x1e06\x1d17V1M2A3\x1d1T9QP26L001-012\x1dS30000273535\x1d20PLCGNFLNY\x1e", 26),
        ("[)>\x1e06\x1d17V508CW\x1d1TTUW26L001-012\x1dS3S3000166223\x1d20PACC5LR0A\x1e", 26),
        ("[)>\x1e12\x1dCAG D84FF\x1dPNO VE4K/8J\x1dSEQ S46675609\x1dPDT 085H6AS\x1e\x04", 26),
        ("[)>\x1e12\x1dCAG C5BES\x1dPNO Q8C3VK1U0T7BI\x1dSEQ 800306227\x1dPDT TE\x1e\x04", 26),
    ],
)
def test_the_size_that_an_independent_encoder_chose(content: str, side: int) -> None:
    found = size(content)
    assert found is not None
    assert found.compact == side


def test_ascii_alone_by_hand() -> None:
    """Codewords: a pair of digits one, everything else one."""
    assert size("1234567") == Size(10 + 2, 12)  # 12 34 56 7: four, where 10 holds three
    assert size("A1B2C3D4") == Size(14, 14)  # eight
    assert size("") == Size(10, 10)


def test_what_no_symbol_holds() -> None:
    assert size("ë") is None
    assert size("9" * 2 * CAPACITY[144]) == Size(144, 144)
    assert size("9" * 2 * CAPACITY[144] + "9") is None


@given(st.text("ABC019-/\x1d\x1e [)>", max_size=80), st.text("A1-\x1d", max_size=3))
def test_more_content_never_needs_less(content: str, more: str) -> None:
    shorter, longer = size(content), size(content + more)
    assert shorter is not None
    assert longer is not None
    assert shorter.compact <= shorter.plain
    assert shorter.plain <= longer.plain

"""What will be engraved as it is drawn: a reader finds the content in it, and every line fits."""

import re
from xml.etree import ElementTree

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.design.drawing import ADVANCE, HEIGHT, LEADING, WIDTH, NoSymbol, draw
from tests.support.examples import examples

CONTENT = "[)>\x1e06\x1d17V0CVA5\x1d1PPA26\x1dSGR26000001\x1e\x04"
SVG = "{http://www.w3.org/2000/svg}"
RUN = re.compile(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z")


def read(svg: bytes, scale: int = 8) -> bytes:
    """What a decoder finds where the drawing's path is dark."""
    path = ElementTree.fromstring(svg).find(f"{SVG}path")
    assert path is not None
    runs = [tuple(map(int, run)) for run in RUN.findall(path.get("d") or "")]
    across = max(y for _, y, _, _ in runs) + 1
    image = Image.new("L", ((across + 4) * scale,) * 2, 255)
    for x, y, length, back in runs:
        assert length == back
        box = ((x + 2) * scale, (y + 2) * scale, (x + 2 + length) * scale, (y + 3) * scale)
        image.paste(0, box)
    (found,) = zxingcpp.read_barcodes(image)
    assert found.format is zxingcpp.BarcodeFormat.DataMatrix
    return found.bytes


@given(st.from_regex(r"\A[A-Z0-9/-]{1,30}\Z"), st.sampled_from(["", "\x1d20PR", "\x1d1TL-26"]))
@settings(max_examples=examples(0.4))
def test_a_reader_finds_the_content(serial: str, more: str) -> None:
    content = f"[)>\x1e06\x1d17V0CVA5\x1d1PPA26\x1dS{serial}{more}\x1e\x04"
    assert read(draw(content, (serial,))) == content.encode()


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("GR26000001",),
        ("ALB UMGS G9 9x19 26000051 RC", "MADE IN ALBANIA"),
        ("1", "2", "3", "4"),
    ],
)
def test_the_lines_stand_whole_inside_the_drawing(lines: tuple[str, ...]) -> None:
    svg = ElementTree.fromstring(draw(CONTENT, lines))
    texts = svg.findall(f"{SVG}text")
    assert tuple(each.text for each in texts) == lines
    for each in texts:
        size, wide = float(each.get("font-size") or 0), float(each.get("textLength") or 0)
        assert wide == pytest.approx(len(each.text or "") * ADVANCE * size, abs=0.1)
        x = float(each.get("x") or 0) - (wide / 2 if each.get("text-anchor") == "middle" else 0)
        assert x >= 0
        assert x + wide <= WIDTH
        assert 0 < float(each.get("y") or 0) <= HEIGHT
        assert size * LEADING * len(lines) <= HEIGHT


def test_a_line_is_text_and_no_markup() -> None:
    svg = ElementTree.fromstring(draw(CONTENT, ("<script>&",)))
    (text,) = svg.findall(f"{SVG}text")
    assert (text.text, len(text)) == ("<script>&", 0)


@pytest.mark.parametrize("content", ["ë", "9" * 4000, ""])
def test_what_no_symbol_holds(content: str) -> None:
    with pytest.raises(NoSymbol):
        draw(content, ())

"""A picture to its codes; where a Data Matrix keeps its codewords; the estimated quality."""

import io
import random
from itertools import pairwise
from statistics import fmean
from typing import Any

import pytest
import zxingcpp
from PIL import Image, ImageOps

from drivers.camera.codec import NoPicture, decode, unpack
from drivers.camera.ecc200 import layout, wrong
from drivers.camera.quality import Quality, estimate
from simulators.optics import EFFECTS, STYLES, Optics, Style
from tests.drivers.pictured import engraved, pictured

STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8)


def saved(image: Image.Image, form: str = "PNG") -> bytes:
    data = io.BytesIO()
    image.save(data, form)
    return data.getvalue()


def symbol(content: str, format_: Any = zxingcpp.BarcodeFormat.DataMatrix, **more: Any) -> bytes:
    made = zxingcpp.create_barcode(content, format_, **more)
    image: Any = made.to_image(scale=6)
    high, wide = image.shape
    return saved(Image.frombytes("L", (wide, high), memoryview(image).tobytes()))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "TIFF", "PPM"])
def test_the_forms_of_pictures(form: str) -> None:
    image = unpack(pictured(1, Optics()))
    (code,) = decode(saved(image.convert("RGB"), form)).codes
    assert code.content == engraved(1).content


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.7, 0.99])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_picture_that_is_cut_off_is_none(form: str, share: float) -> None:
    whole = saved(unpack(pictured(1, Optics())), form)
    with pytest.raises(NoPicture):
        decode(whole[: int(len(whole) * share)])


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<html></html>", bytes(5000)])
def test_what_is_no_picture(data: bytes) -> None:
    with pytest.raises(NoPicture):
        decode(data)


def test_a_picture_of_too_many_pixels_is_not_unpacked() -> None:
    with pytest.raises(NoPicture, match="too many"):
        decode(saved(Image.new("1", (10_000, 6_000))))


def test_fnc1_and_other_symbologies() -> None:
    (gs1,) = decode(symbol("(01)04006381333931(21)A1", gs1=True)).codes
    assert (gs1.symbology, gs1.content) == ("]d2", "010400638133393121A1")
    (plain,) = decode(symbol("4006381333931", zxingcpp.BarcodeFormat.EAN13), ["EAN13"]).codes
    assert (plain.content, plain.symbology, plain.dark) == ("4006381333931", "]E0", ())


def test_light_dots_on_dark_metal() -> None:
    dark = ImageOps.invert(unpack(pictured(1, Optics("dot-peen"))))
    seen = decode(saved(dark))
    assert [code.content for code in seen.codes] == [engraved(1).content]
    quality = estimate(seen.picture, seen.codes[0])
    assert quality is not None
    assert quality.grade >= 3


@pytest.mark.parametrize("style", STYLES)
def test_a_large_picture_is_read_and_graded_as_it_is(style: Style) -> None:
    small = unpack(pictured(1, Optics(style)))
    whole = Image.new("L", (small.width * 7, small.height * 5), 176)
    whole.paste(small.resize((small.width * 3, small.height * 3)), (900, 300))
    seen = decode(saved(whole))
    assert [code.content for code in seen.codes] == [engraved(1).content]
    assert seen.codes[0].corners[0] == pytest.approx((1020, 420), abs=20)
    quality = estimate(seen.picture, seen.codes[0])
    assert quality is not None
    assert quality.grade >= 3


def test_without_the_ladder_dots_are_nothing() -> None:
    assert decode(pictured(1, Optics("dot-peen")), ladder=False).codes == ()


def test_every_size_is_laid_out_as_the_encoder_lays_it() -> None:
    """Codewords of the encoder's symbols agree with each other; of spoiled ones the spoiled stand
    out.
    """
    chance = random.Random(7)
    sizes = set()
    lengths = (*range(1, 60, 3), *range(60, 1700, 60))
    contents = ["7" * length for length in lengths]
    for content in contents:
        for square in (True, False):
            made = zxingcpp.create_barcode(
                content, zxingcpp.BarcodeFormat.DataMatrix, force_square=square
            )
            image: Any = made.to_image(scale=1, add_quiet_zones=False)
            found = layout(*image.shape)
            if found is None:
                continue
            sizes.add(image.shape)
            dark = [value == 0 for value in memoryview(image).tobytes()]
            assert wrong(found, dark) == set(), image.shape
            mendable = found.correction // found.blocks // 2
            bad = chance.sample(range(0, len(found.cells), found.blocks), mendable)
            for word in bad:
                dark[found.cells[word][chance.randrange(8)]] ^= True
            assert wrong(found, dark) == set(bad), image.shape
    assert {(10, 10), (22, 22), (32, 32), (64, 64), (104, 104), (8, 32), (12, 26)} <= sizes
    assert layout(11, 11) is None


def graded(number: int, style: Style, effect: str, strength: float) -> Quality | None:
    seen = decode(pictured(number, Optics(style, {effect: strength})))
    return estimate(seen.picture, seen.codes[0]) if seen.codes else None


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("effect", EFFECTS)
def test_a_better_picture_gets_no_worse_grade(style: Style, effect: str) -> None:
    """One that cannot be read counts as worse than F. A peened mark whose dots are a little beside
    their places may lie at the border of two grades: it may pass it, and the mean may not rise.
    """
    slack = 0 if style == "laser" else 1
    ladders = [
        [found.grade if found else -1 for found in (graded(n, style, effect, s) for s in STRENGTHS)]
        for n in (1, 2, 3)
    ]
    for ladder in ladders:
        for better, worse in pairwise(ladder):
            assert worse <= better + slack, ladders
    means = [fmean(grades) for grades in zip(*ladders, strict=True)]
    assert all(b <= a + slack / 3 for a, b in pairwise(means)), ladders
    assert ladders[0][0] >= 3
    if effect not in ("tilt", "perspective"):
        assert means[-1] < means[0]


def test_what_is_measured() -> None:
    clean = graded(1, "laser", "wear", 0.0)
    assert clean is not None
    assert clean.grades == (4, 4, 4, 4)
    assert (clean.told, clean.correction) == ("est. A", 1.0)
    faded = graded(1, "laser", "contrast", 0.6)
    assert faded is not None
    assert faded.grades[0] == min(faded.grades) == faded.grade < 4
    worn = graded(1, "laser", "missed", 0.3)
    assert worn is not None
    assert worn.correction < 0.7
    assert worn.contrast == pytest.approx(clean.contrast, abs=0.03)


def test_a_symbol_that_is_wider_than_high() -> None:
    seen = decode(pictured(1, Optics()))
    wide = seen.picture.resize((seen.picture.width * 12 // 10, seen.picture.height))
    again = decode(saved(wide))
    quality = estimate(again.picture, again.codes[0])
    assert quality is not None
    assert quality.axial == pytest.approx(0.18, abs=0.02)
    assert quality.letter == "F"


def test_other_codes_have_no_estimate() -> None:
    seen = decode(symbol("4006381333931", zxingcpp.BarcodeFormat.EAN13), ["EAN13"])
    assert estimate(seen.picture, seen.codes[0]) is None

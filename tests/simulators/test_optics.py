"""Pictures of engravings: the same one always, read back as engraved, and spoiled by degrees."""

import hashlib

import pytest

from drivers.camera.codec import decode
from simulators.optics import EFFECTS, STYLES, Optics, Style, see, see_nothing
from tests.drivers.pictured import engraved, pictured

styles = pytest.mark.parametrize("style", STYLES)
effects = pytest.mark.parametrize("effect", EFFECTS)


def read(picture: bytes) -> list[str]:
    return [code.content for code in decode(picture).codes]


@styles
@pytest.mark.parametrize("number", range(4))
def test_a_good_mark_is_read_as_engraved_with_its_envelope(style: Style, number: int) -> None:
    seen = decode(pictured(number, Optics(style)))
    assert [code.content for code in seen.codes] == [engraved(number).content]
    assert seen.codes[0].symbology == "]d1"
    assert (seen.rung == 0) is (style == "laser")  # dots do not touch: only the ladder joins them


@styles
def test_one_engraving_has_one_picture(style: Style) -> None:
    optics = Optics(style, dict.fromkeys(EFFECTS, 0.2), seed=3)
    pictures = {pictured(1, optics), pictured(1, optics)}
    assert len(pictures) == 1
    others = (pictured(2, optics), pictured(1, Optics(style, optics.strengths, seed=4)))
    assert not pictures & set(others)


@styles
def test_what_is_known_to_be_faint_cannot_be_decoded(style: Style) -> None:
    for number in range(6):
        for quality in (0.2, 0.3, 0.4):
            assert read(pictured(number, Optics(style), quality)) == []
        assert read(pictured(number, Optics(style), 0.5)) == [engraved(number).content]


@styles
def test_bare_metal_and_an_empty_fixture_say_nothing(style: Style) -> None:
    optics = Optics(style)
    bare, empty = see([], optics), see_nothing(optics)
    assert read(bare) == read(empty) == []
    assert hashlib.sha256(bare).digest() != hashlib.sha256(empty).digest()


@styles
@effects
def test_each_effect_changes_the_picture_and_makes_nothing_up(style: Style, effect: str) -> None:
    plain = pictured(5, Optics(style))
    for strength in (0.1, 0.5, 1.0):
        spoiled = pictured(5, Optics(style, {effect: strength}))
        assert spoiled != plain or (effect, strength) == ("wear", 0.1)  # it may spare every cell
        assert read(spoiled) in ([], [engraved(5).content])


@styles
@pytest.mark.parametrize("effect", sorted(set(EFFECTS) - {"tilt", "perspective", "noise"}))
def test_at_its_bound_an_effect_that_hides_the_mark_hides_it(style: Style, effect: str) -> None:
    assert [read(pictured(number, Optics(style, {effect: 1.0}))) for number in range(4)] == [[]] * 4


def test_a_missed_column_is_mended_and_three_are_not() -> None:
    for number in range(4):
        one = pictured(number, Optics("laser", {"missed": 1 / EFFECTS["missed"].bound}))
        assert read(one) in ([], [engraved(number).content])
        half = pictured(number, Optics("laser", {"missed": 0.5 / EFFECTS["missed"].bound}))
        assert read(half) == [engraved(number).content]


def test_positions_lie_side_by_side() -> None:
    picture = see([engraved(1), engraved(2, position=2)], Optics())
    assert set(read(picture)) == {engraved(1).content, engraved(2).content}


def test_a_mark_over_another_is_neither() -> None:
    over = see([engraved(1), engraved(900_001)], Optics())
    assert read(over) in ([], [engraved(1).content], [engraved(900_001).content])
    twice = see([engraved(1), engraved(1)], Optics())
    assert read(twice) == [engraved(1).content]


@pytest.mark.parametrize(
    ("style", "strengths", "says"),
    [
        ("laser", {"fog": 0.5}, "no effect 'fog'"),
        ("laser", {"wear": 1.5}, "a strength is 0 to 1"),
        ("ink", {}, "no style 'ink'"),
    ],
)
def test_what_is_not_known_is_refused(style: Style, strengths: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Optics(style, strengths)

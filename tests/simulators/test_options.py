"""Options of simulated devices: all are told, and a wrong one is told what would be right."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from simulators.device import FAMILIES, build
from simulators.options import Given
from simulators.part import FILE, PartStore

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def parts(tmp_path: Path) -> PartStore:
    return PartStore(tmp_path / FILE)


@pytest.mark.parametrize("kind", FAMILIES)
def test_what_it_can_be_told_stands_on_its_page_or_in_its_first_lines(
    kind: str, parts: PartStore
) -> None:
    with pytest.raises(ValueError, match="no option nothing; there are ") as refused:
        build(kind, {"nothing": "1"}, parts, "bench", 1.0)
    names = str(refused.value).partition("; there are ")[2].split(", ")
    page = DOCS / f"{kind}.md"
    module = import_module(FAMILIES[kind])
    told = str(module.__doc__) + str(module.build.__doc__)
    told += page.read_text("utf-8") if page.exists() else ""
    words = set(re.findall(r"\w+", told))
    assert set(names) <= words, f"nothing tells of {set(names) - words}"


@pytest.mark.parametrize(
    ("kind", "option", "said"),
    [
        ("telesis", "lines=-1", "lines is a whole number, 0 or more, not '-1'"),
        ("telesis", "marking=soon", "marking is a number, 0 or more, not 'soon'"),
        ("telesis", "check=sha", "check is one of decimal, hex, none, not 'sha'"),
        ("keyence-md", "counter=Z", "counter is one of nothing, A, B, C, D, E, F, G, H, I, J,"),
        ("cognex-dmcc", "position=0", "position is a whole number, 1 or more, not '0'"),
        ("zebra-ssi", "frame=1", "frame is a whole number, 2 to 251, not '1'"),
        ("honeywell", "SUFBK2=", "SUFBK2 cannot be ''"),
        ("camera", "blur=2", "blur is a number, 0 to 1, not '2'"),
        ("modbus-cell", "jobs=1,b", "jobs is a whole number, 0 or more, not 'b'"),
        ("panasonic-lp", "text_wait=nan", "text_wait is a number, 0 or more, not 'nan'"),
    ],
)
def test_a_wrong_value_is_told_what_would_be_right(
    kind: str, option: str, said: str, parts: PartStore
) -> None:
    name, _, value = option.partition("=")
    with pytest.raises(ValueError, match="--option") as refused:
        build(kind, {name: value}, parts, "bench", 1.0)
    assert str(refused.value).startswith(f"--option {option}: {said}")


def test_what_is_given_is_taken() -> None:
    given = Given({"a": "7", "b": "0.5", "c": "1", "d": "x,y"})
    assert given.whole("a", 1) == 7
    assert given.number("b", 1) == 0.5
    assert given.switch("c")
    assert given.words("d", "z") == ["x", "y"]
    assert (given.whole_or_none("e"), given.wholes("f", "1,2")) == (None, (1, 2))
    given.end()

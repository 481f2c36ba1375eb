"""Each latch and each obstacle has its page, in both languages; and no page is of nothing."""

import ast
from pathlib import Path
from typing import get_args

import pytest

from gateway.latches import Latch
from gateway.screen.holds import HOLDS
from gateway.screen.texts import LANGUAGES, read_texts
from tests.screen.test_texts import GATEWAY, ORDER_REASONS, STATES

TEXTS = {language: read_texts(language) for language in LANGUAGES}


def notes_of(file: Path) -> set[str]:
    """The codes that are written out as notes in one module."""
    return {
        str(node.args[0].value)
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Note"
        and isinstance(node.args[0], ast.Constant)
    }


LATCHES = {*get_args(Latch), "unknown-outcome", "journal-full", "guard-silent"}
OBSTACLES = ORDER_REASONS | STATES - {"order-released"}
REFUSALS = notes_of(GATEWAY / "permission.py") | notes_of(GATEWAY / "plan.py")
"""What the permission and the plan say against marking, whatever lies there."""


def test_every_latch_and_every_obstacle_has_its_page() -> None:
    assert {"lease-ended", "no-trusted-time", "journal-full"} <= REFUSALS
    # A process that stops is gone before anybody reads.
    assert (LATCHES | OBSTACLES | REFUSALS) - set(HOLDS) == {"stopping"}


def test_no_page_is_of_nothing() -> None:
    station = {
        *("broken", "switch-off", "marker-silent"),
        *("numbers-used-up", "first-piece", "guard-silent"),
    }
    assert set(HOLDS) == (LATCHES | OBSTACLES | REFUSALS | station) - {"stopping"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_written(language: str) -> None:
    texts = TEXTS[language]
    for code, hold in HOLDS.items():
        assert code == "broken" or texts[f"note.{code}"], code
        named = [f"hold-means.{hold.means}", f"hold-who.{hold.who}"]
        for text in [*named, *(f"hold-how.{each}" for each in hold.how)]:
            assert texts[text], (code, text)


def test_no_text_of_a_page_is_left_over() -> None:
    used = {
        *(f"hold-means.{hold.means}" for hold in HOLDS.values()),
        *(f"hold-who.{hold.who}" for hold in HOLDS.values()),
        *(f"hold-how.{each}" for hold in HOLDS.values() for each in hold.how),
    }
    written = {code for code in TEXTS["sq"] if code.startswith("hold-")}
    assert written == used

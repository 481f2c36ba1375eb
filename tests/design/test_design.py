"""The style sheets hold together, and each component's own words are there in both languages."""

import re
from pathlib import Path

import pytest

from central.screens import showcase, texts
from central.screens.files import OWN
from central.screens.texts import LANGUAGES, Language
from gateway import design

ROOT = Path(__file__).parent.parent.parent
TOKENS = (design.STATIC / "tokens.css").read_text()
COMPONENTS = (design.STATIC / "components.css").read_text()
SHEETS = {
    "components": COMPONENTS,
    "registry": (OWN / "registry.css").read_text(),
    "design": (OWN / "design.css").read_text(),
    "desk": (OWN / "desk.css").read_text(),
    "operator": "\n".join(
        path.read_text() for path in sorted((ROOT / "gateway" / "screen" / "static").glob("*.css"))
    ),
}
MACROS = (design.TEMPLATES / "design" / "components.html").read_text()
SAMPLES = (ROOT / "central" / "screens" / "showcase.py").read_text()
SHOWCASE = (ROOT / "central" / "screens" / "templates" / "design.html").read_text()


def defined(sheet: str) -> set[str]:
    return set(re.findall(r"(--[\w-]+):", sheet))


@pytest.mark.parametrize("name", sorted(SHEETS))
def test_every_variable_is_a_token_or_the_sheet_s_own(name: str) -> None:
    used = set(re.findall(r"var\((--[\w-]+)", SHEETS[name]))
    assert sorted(used - defined(TOKENS) - defined(SHEETS[name])) == []


@pytest.mark.parametrize("name", sorted(SHEETS))
def test_only_the_tokens_name_a_colour(name: str) -> None:
    """Save for the veils of black and white that lie over one."""
    named = re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[\s;,)])", SHEETS[name])
    assert [each for each in named if not re.fullmatch(r"#(000|fff)[0-9a-f]", each)] == []


def test_high_contrast_is_the_same_by_the_system_and_by_choice() -> None:
    wished, chosen = re.findall(
        r':root(?:\[data-contrast="more"\]|:not\(\[data-contrast="normal"\]\)) \{(.*?)\n *\}',
        TOKENS,
        re.DOTALL,
    )
    assert wished.split() == chosen.split()
    assert "--ink" in chosen


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_components_words_are_there_and_none_is_left_over(language: Language) -> None:
    asked = set(re.findall(r'\bdesign\("([^"]+)"\)', MACROS))
    assert asked
    assert set(design.words(language).texts) == asked


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_showcase_s_texts_are_there_and_none_is_left_over(language: Language) -> None:
    asked = set(re.findall(r'\bs\("([^"]+)"\)', SHOWCASE + SAMPLES))
    asked |= {each[3] for each in showcase._ORDERS} | {
        label for label, _ in showcase._SORTED.values()
    }
    assert set(texts.load(language, "showcase").by_key) == asked


def test_the_showcase_names_every_macro_and_every_class() -> None:
    macros = set(re.findall(r"{%-? macro ([a-z]\w*)\(", MACROS)) - {"icon", "row_link"}
    assert {each for each in macros if f'"ui.{each}"' not in SHOWCASE} == set()
    # Those of inner parts that no page writes by itself.
    inner = {"g-icon", "g-unseen", "g-skip", "g-mono", "g-muted", "g-sub", "g-scroll"}
    inner |= {"g-short", "g-tiny", "g-invalid"}
    classes = set(re.findall(r"\.(g-[a-z-]+)", COMPONENTS)) - inner
    assert {each for each in classes if f'"{each}"' not in SHOWCASE} == set()


def test_every_shape_that_is_asked_for_is_drawn() -> None:
    drawn = set(
        re.findall(
            r'<symbol id="s-([a-z]+)"', (design.TEMPLATES / "design" / "shapes.html").read_text()
        )
    )
    asked = set(re.findall(r'icon\("([a-z]+)"\)', MACROS + SHOWCASE))
    asked |= set(re.findall(r'"shape": "([a-z]+)"', SHOWCASE))
    for path in (ROOT / "central" / "screens" / "templates").glob("*.html"):
        asked |= set(re.findall(r'href="#s-([a-z]+)"', path.read_text()))
    for path in OWN.glob("*.js"):
        asked |= set(re.findall(r'\bshape\("([a-z]+)"\)', path.read_text()))
    assert sorted(asked - drawn) == []

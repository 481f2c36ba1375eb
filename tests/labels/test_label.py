"""A label says all that it has to, nothing runs over, and a reader finds the unit's code on it."""

import pypdfium2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from central.labels import labels
from central.labels.content import Goods, Journey, Label, Party
from central.labels.font import drawable, width
from central.labels.layout import (
    HEIGHT,
    MARGIN,
    WIDTH,
    Field,
    Linear,
    Matrix,
    Rule,
    Text,
    lay_out,
)
from central.screens import texts
from central.screens.texts import LANGUAGES, Language, Texts
from tests.labels.drawn import LABELS, PALLET, ink, printed, rasterised, read, symbol_of


class Told(Texts):
    """What no catalogue holds would stand there in English."""

    def __call__(self, message: str, context: str = "", **values: object) -> str:
        assert self.has(message, context), message
        return super().__call__(message, context, **values)


_LOADED = {language: texts.load(language, "labels") for language in LANGUAGES}
TEXTS = {language: Told(language, t.by_key, t.several) for language, t in _LOADED.items()}
WORDS = st.lists(
    st.sampled_from(
        [
            *("Kombinati", "i", "Mirëmbajtjes", "së", "Armatimit", "Ç", "W" * 21, "–"),
            *("Përgjithshme", "Tiranë", "nr.", "3", "Mbrojtjes", "ndërmarrja", "Llakatundit"),
        ]
    ),
    min_size=1,
    max_size=40,
)
NAMES = WORDS.map(" ".join).map(lambda name: name[:200].strip())
ANYTHING = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=200)
CODES = st.sampled_from(["106141412345678908", "DA7G1H0000000012", "D", "Z" * 50, "W-/" * 16])
PARTIES = st.builds(Party, NAMES | ANYTHING, st.sampled_from(["UMG", "W" * 60]), st.none())
GOODS = st.builds(
    Goods,
    NAMES | ANYTHING,
    st.sampled_from([None, "M70", "W" * 60]),
    st.sampled_from([None, "1005-59-000-1234"]),
    st.sampled_from(["", "7,62×39", "W" * 60]),
    st.lists(st.sampled_from(["KMP26L001-004", "L" * 60]), max_size=40).map(tuple),
    st.integers(0, 10**9),
    st.none() | st.integers(0, 10**12),
)
ANY_LABEL = st.builds(
    Label,
    CODES,
    PARTIES,
    st.none() | PARTIES,
    st.none() | st.builds(Journey, st.just("C-" + "9" * 58), PARTIES, PARTIES),
    st.lists(GOODS, max_size=14).map(tuple),
    st.integers(0, 10**6),
)


def box(field: Field) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    match field:
        case Text():
            taken = width(field.text, field.size, bold=field.bold)
            return field.x, field.y, field.x + taken, field.y + field.size
        case Rule():
            return field.x, field.y, field.x + field.width, field.y + field.height
        case Linear():
            return field.x, field.y, field.x + 156 * field.bar, field.y + field.height
        case Matrix():
            return field.x, field.y, field.x + field.side, field.y + field.side


@given(ANY_LABEL, st.sampled_from(LANGUAGES))
def test_nothing_runs_over_whatever_things_are_called(label: Label, language: Language) -> None:
    fields = lay_out(label, TEXTS[language])
    boxes = [box(field) for field in fields]
    for field, (left, top, right, bottom) in zip(fields, boxes, strict=True):
        assert left >= MARGIN - 0.001, field
        assert top >= MARGIN - 0.001, field
        assert right <= WIDTH - MARGIN + 0.001, field
        assert bottom <= HEIGHT - MARGIN + 0.001, field
        if isinstance(field, Text):
            assert right - left <= field.room + 0.001, field
            assert field.size >= 2.0, field
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            apart = one[2] <= other[0] or other[2] <= one[0]
            over = one[3] <= other[1] + 0.001 or other[3] <= one[1] + 0.001
            assert apart or over, (fields[index], other)


@example("Kombinati", f"Kombinati {('W' * 21 + ' ') * 8}W")  # whole words need one line too many
@given(NAMES, NAMES)
def test_a_name_stands_there_whole(sender: str, recipient: str) -> None:
    """Up to the 200 characters that the register takes."""
    journey = Journey("C-1", Party(sender, "A"), Party(recipient, "B"))
    label = Label("106141412345678908", Party("X", "X"), None, journey)
    told = "".join(each.text for each in lay_out(label, TEXTS["sq"]) if isinstance(each, Text))
    for name in (sender, recipient):
        assert drawable(name).replace(" ", "") in told.replace(" ", "")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", LABELS)
def test_a_reader_finds_the_code_on_each_form(name: str, language: Language) -> None:
    """The PDF is read from its pixels, the ZPL from those of a printer that knows nothing of us."""
    label = LABELS[name]
    assert read(rasterised(labels.as_pdf(label, language))) == symbol_of(label)
    for dpmm in (8, 12):
        found, image = printed(labels.as_zpl(label, language, dpmm))
        assert image.size == (105 * dpmm, 148 * dpmm)
        assert read(image) == symbol_of(label)
        left, top, right, bottom = ink(image)
        assert left >= 5 * dpmm
        assert top >= 5 * dpmm
        assert right <= 100 * dpmm
        assert bottom <= 143 * dpmm
        assert found.copies == 1


def test_the_pdf_holds_its_text_and_its_typeface() -> None:
    content = labels.as_pdf(PALLET, "sq")
    assert content == labels.as_pdf(PALLET, "sq"), "the same label, the same bytes"
    document = pypdfium2.PdfDocument(content)
    page = document[0].get_textpage()
    told = page.get_text_range()
    page.close()
    document.close()
    for text in ("Dërguesi", "Kombinati Mekanik i Poliçanit", "C-2026-0042", "28 160", "Fishekë"):
        assert text in told
    assert content.count(b"/FontFile2") == 2
    assert b"/Helvetica" not in content, "one that would not be embedded"


@given(ANYTHING)
def test_no_text_is_a_command(name: str) -> None:
    """A printer reads one format of the fields that were laid out, and each text as it was."""
    label = Label("D", Party(f"^XZ^XA~JA{name}^FS_5E~HS", "A"))
    fields = lay_out(label, TEXTS["en"])
    found, _ = printed(labels.as_zpl(label, "en", 8))
    told = [field.text for field in found.fields if field.kind == "text"]
    assert told == [field.text for field in fields if isinstance(field, Text)]
    assert len(found.fields) == len(fields)

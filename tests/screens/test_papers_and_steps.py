"""Pages of one subject: what they offer, what is drawn on them, and what is printed."""

from collections.abc import Iterator

import pypdfium2
import pytest

from tests.support.register import Register
from tests.support.registry import Registry

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened() as found:
        found.standard()
        yield found


def page(centre: Registry, path: str, language: str = "en") -> str:
    with centre.browser() as officer:
        answer = officer.get(path, params={"lang": language})
    assert answer.status_code == 200
    return answer.text


def test_a_printed_licence_names_its_holder_and_not_why_it_was_last_changed(
    centre: Registry,
) -> None:
    centre.post("/api/v1/licences/L-1/suspend", {"reason": "documents are checked"})
    centre.post("/api/v1/licences/L-1/reinstate", {"reason": "measures were taken"})
    for language in ("sq", "en"):
        with centre.browser() as officer:
            printed = officer.get(f"/licences/L-1?do=print&lang={language}")
        (sheet,) = pypdfium2.PdfDocument(printed.content)
        text = sheet.get_textpage().get_text_range()
        assert "UMG, Uzina Mekanike" in text
        assert "measures were taken" not in text
    assert "measures were taken" in page(centre, "/licences/L-1")


def test_reinstating_is_offered_only_to_end_a_suspension_of_an_officer(centre: Registry) -> None:
    """What a sanction suspended is lifted with the sanction."""
    centre.add_licence("L-2", "UMG")
    reinstate, suspend = "?do=reinstate", "?do=suspend"
    before = page(centre, "/licences/L-2")
    assert suspend in before and reinstate not in before
    sanction = {"number": "S-1", "entity": "UMG", "kind": "suspension", "licences": ["L-2"]}
    centre.post("/api/v1/sanctions", sanction | {"reason": "findings", "basis": "law"})
    by_sanction = page(centre, "/licences/L-2")
    assert suspend in by_sanction and reinstate not in by_sanction
    centre.post("/api/v1/licences/L-2/suspend", {"reason": "an officer's own"})
    by_both = page(centre, "/licences/L-2")
    assert reinstate in by_both and suspend not in by_both


def test_the_mark_that_an_order_shows_is_no_parts(centre: Registry) -> None:
    text = page(centre, "/orders/G-1")
    assert "G000000" in text
    assert "G000001" not in text

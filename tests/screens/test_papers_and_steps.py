"""Pages of one subject: what they offer, what is drawn on them, and what is printed."""

import re
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
        answer = officer.get(path + ("&" if "?" in path else "?") + f"lang={language}")
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
    assert suspend in before
    assert reinstate not in before
    sanction = {"number": "S-1", "entity": "UMG", "kind": "suspension", "licences": ["L-2"]}
    centre.post("/api/v1/sanctions", sanction | {"reason": "findings", "basis": "law"})
    by_sanction = page(centre, "/licences/L-2")
    assert suspend in by_sanction
    assert reinstate not in by_sanction
    centre.post("/api/v1/licences/L-2/suspend", {"reason": "an officer's own"})
    by_both = page(centre, "/licences/L-2")
    assert reinstate in by_both
    assert suspend not in by_both


def test_the_mark_that_an_order_shows_is_no_parts(centre: Registry) -> None:
    text = page(centre, "/orders/G-1")
    assert "G000000" in text
    assert "G000001" not in text


def test_a_search_says_what_is_searched_and_denies_nothing_else(centre: Registry) -> None:
    found = page(centre, "/search?q=L-1")
    assert "Searched are items" in found
    assert "The register holds nothing" not in found


def test_an_alert_is_titled_in_words_and_shows_no_number_of_an_act(centre: Registry) -> None:
    centre.sql(
        "INSERT INTO alert (number, rule, severity, about, subject, cause, facts, state, reason,"
        " opened, raised, escalations, version)"
        " VALUES ('0123456789abcdef', 'overdue', 'warning', 'consignment', 'CN-1', '',"
        " jsonb_build_object('direction', 'domestic', 'state', 'dispatched', 'planned_arrival',"
        " now()), 'raised', '', 108, now(), 0, 108) RETURNING 1"
    )
    text = page(centre, "/alerts/0123456789abcdef")
    (title,) = re.findall(r"<h1>(.*?)</h1>", text, re.DOTALL)
    assert title.strip()
    assert "0123456789abcdef" not in title
    assert "CN-1" in text
    assert ">108<" not in text


def test_lists_of_articles_say_that_marks_alone_stand_elsewhere(centre: Registry) -> None:
    for path in ("/articles", "/stock"):
        assert "only marked" in page(centre, path)

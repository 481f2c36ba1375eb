"""A consignment and its articles by the pure rules, and which requests are none."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from central.errors import Conflict, NotFound
from central.register.articles.models import Disposition
from central.register.articles.rules import Article
from central.register.consignments.models import Line, NewConsignment, Standing
from central.register.consignments.rules import (
    STEPS,
    Consignment,
    apply,
    difference,
    ended,
    is_open,
    resolved,
    scanned,
    standing,
    told,
)
from tests.register.acting import START, Acting

ASKED: dict[str, Any] = {
    "number": "C-1",
    "direction": "domestic",
    "sender": "UMG",
    "recipient": "DEP",
    "planned_dispatch": "2026-11-26T10:00:00Z",
    "planned_arrival": "2026-11-27T10:00:00Z",
    "articles": ["A", "B", "C"],
}
ABROAD = {"name": "Acme Arms", "country": "IT"}
EXPORT: dict[str, Any] = {
    "direction": "export",
    "recipient": None,
    "outsiders": {"recipient": ABROAD, "end_user": ABROAD},
    "certificate": {"number": "EUC 7", "issuer": "UAMA", "document": "ab" * 32},
}
ACTS = {"reported", "cancelled", "receipt ended", "differences resolved", "closed"}
ARTICLE = Article(
    code="A",
    kind="item",
    disposition="commissioned",
    holder="UMG",
    place=None,
    package=None,
    component=None,
    producer="UMG",
    product="M70",
    order_code="G-1",
    lot=None,
    serial="1",
    disputed=False,
    since=datetime(2026, 11, 26, tzinfo=UTC),
    version=1,
)


def reported(state: str = "reported") -> Acting[Consignment]:
    acting = Acting("consignment", apply)
    asked = NewConsignment.model_validate(ASKED)
    payload = asked.model_dump(mode="json", exclude={"articles"})
    consignment = acting.do("reported", payload | {"licence": "L-1", "transport_licence": None})
    acting.states[-1] = consignment.model_copy(update={"state": state})
    return acting


@pytest.mark.parametrize("state", [None, *(step[1] for step in STEPS.values())])
@pytest.mark.parametrize("act", sorted(ACTS))
def test_every_act_of_the_table_and_no_other(state: str | None, act: str) -> None:
    acting = Acting("consignment", apply) if state is None else reported(state)
    origins, target = STEPS[act]
    payload = NewConsignment.model_validate(ASKED).model_dump(mode="json")
    payload |= {"licence": "L-1", "transport_licence": None}
    if state in origins:
        assert acting.do(act, payload).state == target
    else:
        with pytest.raises(NotFound if state is None and act != "reported" else Conflict):
            acting.do(act, payload)


@pytest.mark.parametrize(
    ("state", "what", "after"),
    [
        ("reported", "dispatched", "dispatched"),
        ("dispatched", "dispatched", "dispatched"),
        ("reported", "received", "dispatched"),
        ("dispatched", "exported", "dispatched"),
        ("received", "received", "received"),
        ("received", "dispatched", None),
        ("closed", "received", None),
        ("cancelled", "dispatched", None),
    ],
)
def test_what_a_scan_makes_of_it(state: str, what: str, after: str | None) -> None:
    consignment = reported(state).state
    assert consignment is not None
    found = told(consignment, what, 9)
    assert (found and found.state) == after
    assert found is None or found.version == 9


def test_a_fault_at_dispatch_stays() -> None:
    consignment = reported().state
    assert consignment is not None
    first = told(consignment, "dispatched", 2, "excluded")
    assert first is not None
    second = told(first, "dispatched", 3)
    assert second is not None
    assert second.fault == "excluded"


def test_it_is_overdue_by_the_clock_until_its_receipt_has_ended() -> None:
    for state in ("reported", "dispatched", "received", "closed", "cancelled"):
        consignment = reported(state).state
        assert consignment is not None
        assert not consignment.is_overdue(START)
        late = consignment.is_overdue(consignment.planned_arrival)
        assert late == (state in ("reported", "dispatched")), state


def test_it_is_of_its_sender_and_its_recipient() -> None:
    consignment = reported().state
    assert consignment is not None
    carried = consignment.model_copy(update={"carrier": "CAR"})
    assert [carried.is_of(code) for code in ("UMG", "DEP", "CAR", "KMP")] == [
        *(True, True),
        *(False, False),
    ]
    through = carried.model_copy(update={"direction": "transit", "sender": None})
    assert through.is_of("CAR")


SCANS = st.one_of(
    st.tuples(st.sampled_from(["dispatched", "received"]), st.sampled_from("ABCXY")),
    st.just(("end", "")),
    st.tuples(st.just("resolve"), st.sampled_from("ABCXY")),
)
ARTICLES = st.dictionaries(
    st.sampled_from("ABCXY"),
    st.builds(
        lambda disposition, holder, disputed: ARTICLE.model_copy(
            update={"disposition": disposition, "holder": holder, "disputed": disputed}
        ),
        st.sampled_from(get_args(Disposition)),
        st.sampled_from(["UMG", "DEP"]),
        st.booleans(),
    ),
)


@given(st.lists(SCANS, max_size=30), ARTICLES)
def test_every_listed_article_is_always_somewhere_and_only_once(
    scans: list[tuple[str, str]], articles: Mapping[str, Article]
) -> None:
    lines = {code: Line(code=code) for code in "ABC"}
    has_ended = False
    for number, (what, code) in enumerate(scans):
        before = dict(lines)
        if what == "end":
            has_ended = True
            lines = {code: ended(line) for code, line in lines.items()}
        elif what == "resolve":
            if code in lines and is_open(lines[code]):
                lines[code] = resolved(lines[code], "lost", "asked")
                assert not is_open(lines[code])
        else:
            lines[code] = scanned(lines.get(code), code, what, f"E-{number}")
        for code, line in lines.items():
            was = before.get(code)
            if was is not None and was.state == "received":
                assert line.state == "received"
            if was is not None and was.state == "dispatched":
                assert line.state != "awaited"
            assert line.listed == (code in "ABC")
            assert (line.state == "received") == (line.received is not None)
    consignment = reported().state
    assert consignment is not None
    places: list[Standing] = [
        standing(line, consignment, articles.get(line.code))
        for line in lines.values()
        if line.listed
    ]
    assert len(places) == 3
    assert set(places) <= set(get_args(Standing))
    for line in lines.values():
        place = standing(line, consignment, articles.get(line.code))
        assert place == line.state or (
            place == "elsewhere" and line.state in ("awaited", "dispatched")
        )
        if line.listed:
            assert (difference(line) == "short") == (line.state == "short")
        else:
            assert difference(line) == ("foreign" if line.received is None else "over")
    if has_ended and scans[-1] == ("end", ""):
        assert not [line for line in lines.values() if line.listed and line.state == "awaited"]


@pytest.mark.parametrize(
    ("state", "change", "place"),
    [
        ("awaited", {}, "awaited"),
        ("awaited", {"holder": "KMP"}, "elsewhere"),
        ("awaited", {"disposition": "stolen"}, "elsewhere"),
        ("awaited", {"disposition": "stolen", "disputed": True}, "awaited"),
        ("dispatched", {"disposition": "in-transit"}, "dispatched"),
        ("dispatched", {"disposition": "seized"}, "elsewhere"),
        ("dispatched", {"disposition": "received", "holder": "KMP"}, "elsewhere"),
        ("received", {"disposition": "in-use", "holder": "KMP"}, "received"),
        ("short", {"disposition": "in-transit"}, "short"),
    ],
)
def test_where_an_article_stands(state: Any, change: dict[str, Any], place: str) -> None:
    consignment = reported().state
    assert consignment is not None
    line = Line(code="A", state=state)
    assert standing(line, consignment, ARTICLE.model_copy(update=change)) == place


def test_what_went_abroad_is_awaited_from_there() -> None:
    consignment = reported().state
    assert consignment is not None
    coming = consignment.model_copy(update={"direction": "import", "sender": None})
    abroad = ARTICLE.model_copy(update={"disposition": "exported"})
    assert standing(Line(code="A"), coming, abroad) == "awaited"
    assert standing(Line(code="A"), coming, ARTICLE) == "elsewhere"
    assert standing(Line(code="A"), consignment, abroad) == "elsewhere"


def test_what_was_given_up_and_comes_all_the_same_has_come() -> None:
    short = resolved(ended(Line(code="A", state="dispatched")), "lost", "searched")
    come = scanned(short, "A", "received", "E-9")
    assert (come.state, come.resolution, difference(come)) == ("received", None, None)
    foreign = resolved(scanned(None, "X", "dispatched", "E-1"), "wrongly-listed", "a mistake")
    assert is_open(scanned(foreign, "X", "received", "E-2"))
    with pytest.raises(Conflict):
        resolved(come, "lost", "again")


@pytest.mark.parametrize(
    "more",
    [
        {"carrier": "CAR", "licence": "L-1"},
        EXPORT,
        {
            "direction": "import",
            "sender": None,
            "outsiders": {"sender": ABROAD | {"tax_number": "it 123.456"}},
            "route": [{"name": "Durrës", "country": "AL"}],
        },
        {
            "direction": "transit",
            "sender": None,
            "recipient": None,
            "carrier": "CAR",
            "outsiders": {"sender": ABROAD, "recipient": ABROAD},
        },
    ],
)
def test_what_is_well_formed_is_taken(more: dict[str, Any]) -> None:
    assert NewConsignment.model_validate(ASKED | more).number == "C-1"


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"articles": ["A", "A"]}, "stands twice"),
        ({"planned_arrival": ASKED["planned_dispatch"]}, "lies after planned_dispatch"),
        ({"sender": None}, "sender: an entity of the register"),
        ({"sender": None, "outsiders": {"sender": ABROAD}}, "sender: an entity"),
        ({"outsiders": {"recipient": ABROAD}}, "recipient: an entity or an outsider"),
        (EXPORT | {"certificate": None}, "certificate"),
        (EXPORT | {"outsiders": {"recipient": ABROAD}}, "end_user: who that is"),
        (EXPORT | {"outsiders": {"end_user": ABROAD}}, "recipient: who that is"),
        ({"direction": "transit"}, "carrier: an entity"),
        ({"direction": "import", "recipient": None}, "recipient: an entity"),
    ],
)
def test_what_is_not_well_formed_is_refused(more: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        NewConsignment.model_validate(ASKED | more)

"""What events make of an article, by the pure rules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from central.register.articles.models import Disposition, EventKind, NewEvent
from central.register.articles.rules import STEPS, Article, Event, after, disputed, judge, missing

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
NEW = Article(
    code="DA7G1HM70G000001",
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
    serial="G000001",
    disputed=False,
    since=NOW,
    version=0,
)
KINDS: tuple[EventKind, ...] = get_args(EventKind)


def event(what: EventKind, **more: object) -> Event:
    return replace(Event(what, NOW + timedelta(minutes=1), 1), **more)  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.booleans()), max_size=30))
def test_whatever_is_told_an_article_only_takes_legal_steps(
    told: list[tuple[EventKind, bool]],
) -> None:
    article = NEW
    for version, (what, within) in enumerate(told, start=1):
        happened = Event(what, NOW + timedelta(minutes=version), version)
        verdict = judge(article, happened, within=within)
        if verdict != "ok":
            same = disputed(article, happened)
            assert same == article.model_copy(update={"disputed": True, "version": version})
            article = same
            continue
        moved = after(article, happened, within=within)
        origins, target = STEPS[what]
        assert article.disposition in origins
        assert moved.disposition == (target or article.disposition)
        assert article.disposition != "destroyed"
        assert moved.disputed == article.disputed
        article = moved


def test_each_disposition_is_reached_and_only_what_is_destroyed_has_no_way_out() -> None:
    reached = {"commissioned"} | {target for _, target in STEPS.values() if target}
    assert reached == set(get_args(Disposition))
    left = {origin for origins, _ in STEPS.values() for origin in origins}
    assert set(get_args(Disposition)) - left == {"destroyed"}


@pytest.mark.parametrize(
    ("article", "told", "verdict"),
    [
        (NEW, event("stored"), "ok"),
        (NEW, event("stored", reporter="UMG"), "ok"),
        (NEW, event("stored", reporter="KMP"), "not-held"),
        (NEW, event("received", holder="KMP"), "illegal-step"),
        (NEW, event("stored", happened=NOW - timedelta(minutes=1)), "out-of-order"),
        (NEW.model_copy(update={"package": "C1"}), event("stored"), "still-packed"),
        (NEW.model_copy(update={"package": "C1"}), event("stolen"), "ok"),
        (
            NEW.model_copy(update={"package": "C1"}),
            event("unpacked", package="C2"),
            "not-in-package",
        ),
        (NEW.model_copy(update={"package": "C1"}), event("unpacked", package="C1"), "ok"),
        (NEW.model_copy(update={"disposition": "destroyed"}), event("seen"), "illegal-step"),
        (NEW.model_copy(update={"disposition": "exported"}), event("seen"), "illegal-step"),
        (
            NEW.model_copy(update={"disposition": "in-transit"}),
            event("received", holder="KMP", reporter="KMP"),
            "not-held",
        ),
        (
            NEW.model_copy(update={"disposition": "in-transit"}),
            event("received", holder="KMP", reporter="UMG"),
            "not-held",
        ),
    ],
)
def test_what_cannot_be_is_said_and_why(article: Article, told: Event, verdict: str) -> None:
    assert judge(article, told) == verdict


def test_nothing_leaves_its_producer_before_it_is_accepted() -> None:
    assert judge(NEW, event("dispatched"), accepted=False) == "not-accepted"
    assert judge(NEW, event("dispatched")) == "ok"


def test_what_befalls_a_single_article_takes_it_out_of_its_package() -> None:
    packed = NEW.model_copy(update={"package": "C1"})
    befalls_one: set[EventKind] = {"unpacked", "lost", "stolen", "seized"}
    for what in befalls_one:
        assert after(packed, event(what)).package is None, what
    assert after(packed, event("seen")).package == "C1"
    assert after(packed, event("dispatched"), within=True).package == "C1"


def test_what_is_in_a_crate_comes_out_of_the_pallet_with_it() -> None:
    inside = NEW.model_copy(update={"package": "C1"})
    taken_out = event("unpacked", package="P1")
    assert judge(inside, taken_out, within=True) == "ok"
    assert after(inside, taken_out, within=True).package == "C1"
    assert judge(inside, taken_out) == "not-in-package"


def test_what_is_missing_lies_in_the_opened_package_no_more() -> None:
    packed = NEW.model_copy(update={"package": "C1"})
    opened = missing(packed, event("received"), opened=True)
    assert (opened.package, opened.disputed, opened.disposition) == (None, True, "commissioned")
    assert missing(packed, event("received"), opened=False).package == "C1"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"what": "packed"}, "package stands with"),
        ({"what": "stored"}, "place"),
        ({"what": "received"}, "holder stands with"),
        ({"what": "lost"}, "reason"),
        ({"what": "assembled", "package": "A"}, "component stands with"),
        (
            {"what": "assembled", "package": "W", "component": "barrel", "articles": ["A", "B"]},
            "one part",
        ),
        ({"what": "seen", "consignment": "C-1"}, "consignment stands with"),
        ({"what": "lost", "reason": "x", "counted": True}, "counted stands with"),
        ({"what": "seen", "articles": ["A", "A"]}, "stands twice"),
        ({"what": "seen", "articles": ["lower"]}, "pattern"),
        ({"what": "packed", "package": "106141412345678907"}, "check digit"),
    ],
)
def test_what_is_not_well_formed_is_refused(body: dict[str, object], fault: str) -> None:
    whole = {"number": "E-1", "happened": NOW, "articles": ["A"], **body}
    with pytest.raises(ValidationError, match=fault):
        NewEvent.model_validate(whole)


def test_an_sscc_of_the_standard_is_taken() -> None:
    """GS1 General Specifications, check digit calculation: 106141412345678908."""
    told = {"number": "E-1", "what": "packed", "happened": NOW, "articles": ["A"]}
    assert NewEvent.model_validate(told | {"package": "106141412345678908"}).package


@pytest.mark.parametrize(
    ("what", "disposition", "reporter", "recipient", "verdict"),
    [
        ("received", "in-transit", "KMP", "KMP", "ok"),
        ("received", "in-transit", "KMP", "DEP", "not-held"),
        ("received", "in-transit", "KMP", None, "not-held"),
        ("received", "in-transit", "UMG", "KMP", "ok"),
        ("received", "in-transit", None, "KMP", "ok"),
        ("received", "seized", "UMG", None, "not-held"),
        ("received", "seized", "KMP", "KMP", "not-held"),
        ("received", "seized", None, None, "ok"),
        ("imported", "exported", "UMG", None, "ok"),
        ("imported", "exported", "KMP", None, "not-held"),
        ("imported", "exported", "KMP", "KMP", "ok"),
        ("found", "stolen", "KMP", None, "not-held"),
        ("found", "stolen", "UMG", None, "ok"),
    ],
)
def test_a_thing_comes_to_whom_it_was_sent(
    what: EventKind,
    disposition: Disposition,
    reporter: str | None,
    recipient: str | None,
    verdict: str,
) -> None:
    article = NEW.model_copy(update={"disposition": disposition})
    holder = None if what == "found" else reporter or "DEP"
    told = event(what, reporter=reporter, holder=holder)
    assert judge(article, told, recipient=recipient) == verdict


def test_an_act_of_before_write_ownership_is_judged_as_it_was() -> None:
    sent = NEW.model_copy(update={"disposition": "in-transit"})
    received = event("received", holder="KMP", reporter="KMP", believed=True)
    assert judge(sent, received) == "ok"
    assert after(NEW, event("seen", believed=True)).since > NEW.since
    assert after(NEW, event("seen")).since == NEW.since

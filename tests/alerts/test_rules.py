"""Each rule by itself: what is a case of it, and what is not."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.alerts.facts import (
    Backlog,
    ClaimedRecords,
    ClockRead,
    CountedLot,
    CountedOrder,
    FailedLook,
    ForkedJournal,
    Heard,
    LastHad,
    LatchedGateway,
    Limits,
    Looked,
    Missing,
    NotStored,
    OlderRegister,
    Overdue,
    OverdueCount,
    Received,
    RefusedMark,
    RefusedScan,
    Spot,
    Told,
    UnjudgedBatch,
    UsedBlock,
)
from central.alerts.rules import BY_CODE, NEAR_KM, RULES, distance_km, judge
from central.alerts.words import words
from central.register.alerts.models import Finding, RuleCode
from central.register.alerts.rules import Alert
from central.register.articles.models import Disposition
from central.screens.desks.table import BY_NAME
from central.screens.texts import LANGUAGES, Language, load

LIMITS = Limits(
    fastest_km_h=200.0,
    least_seconds_a_number=0.5,
    gateway_silent_minutes=60,
    clock_off_seconds=60,
)
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
MARK = RefusedMark("gramsh.line-1", 1, 7, "lease-ended", "it ended", ("U1", "U2"), ())
SEEN = Told("E-1", "seen", "U1", "ok", "in-store", "in-store", "UMG.GR", "UMG", "UMG")
GRAMSH = Spot("E-1", "UMG.GR", NOW, 40.87, 20.18)
TIRANA = Spot("E-2", "DEP.1", NOW, 41.33, 19.82)
BLOCK = UsedBlock("B-1", "G-1", "gramsh.line-1", 200, NOW, NOW + timedelta(seconds=100))
HEARD = Heard("gramsh.line-1", NOW - timedelta(minutes=60), NOW - timedelta(days=1), NOW)
BEHIND = Backlog("gramsh.line-1", 7, NOW - timedelta(minutes=60), NOW)
LATCHED = LatchedGateway("gramsh.line-1", 1, "3-" + "a" * 16, ("unknown-outcome:laser",))
FORKED = ForkedJournal("gramsh.line-1", 1, ("station-1",), ("U1", "U2"))
PROOF = "gramsh.line-1 holds a receipt of incarnation 1790000005; this register is 1790000000"
OLDER = OlderRegister(1790000000, PROOF)
CLAIM = ClaimedRecords("gramsh.line-1", 1, 1790000000, claimed=120, held=64)
LATE = Overdue("C-1", "dispatched", "domestic", NOW)
SHORT = Received(
    *("C-1", 39, "UMG", "DEP", "CAR"), (LastHad("U3", "UMG", "E-5", "dispatched", "UMG"),), 1
)
COUNTED = Missing("INV-1", 40, "DEP.1", "DEP", (), 0)
LATE_COUNT = OverdueCount("INV-1", "open", "DEP.1", NOW)
REFUSED = RefusedScan("gramsh.scanner-1", "gramsh.scanner-1/1/7", "unknown-code", "'x'")
UNJUDGED = UnjudgedBatch("gramsh.line-1", 1, 7, 12, "ValueError: a fault of ours", 41)
NOT_STORED = NotStored("gramsh.line-1", NOW.date(), 2, "UndefinedColumn: no such column")
FAILED = FailedLook("journal-forked", "KeyError: a fault of ours", NOW.date())
BALANCE = CountedOrder("G-1", 200, 0)
LOT = CountedLot("FMJ/L-1", 400, 0, 0)


def found(*looked: Looked) -> list[tuple[str, str]]:
    """The rule and the subject of each case."""
    return [(each.rule, each.subject) for each in judge(looked, LIMITS)]


def test_duplicate() -> None:
    doubled = replace(MARK, code="duplicate", doubled=("U2",))
    assert found(doubled) == [("duplicate", "U2")]
    # Among other faults of the same record it is one all the same.
    assert ("duplicate", "U2") in found(replace(MARK, doubled=("U2",)))


def test_quarantined() -> None:
    assert found(MARK) == [("quarantined", "gramsh.line-1")]
    case = judge([MARK], LIMITS)[0]
    assert case.facts["uiis"] == ["U1", "U2"]
    assert case.facts["record"] == "gramsh.line-1/1/7"


def test_unlicensed() -> None:
    assert found(replace(MARK, code="not-licensed")) == [("unlicensed", "gramsh.line-1")]


def test_disputed() -> None:
    told = [replace(SEEN, article=f"U{n}", verdict="not-held") for n in range(30)]
    cases = judge(told, LIMITS)
    assert [(each.rule, each.subject) for each in cases] == [("disputed", "E-1")]
    assert cases[0].facts["count"] == 30
    assert cases[0].facts["verdicts"] == ["not-held"]
    assert found(SEEN) == []


def test_received_by_other() -> None:
    taken = replace(SEEN, what="received", verdict="not-held", reporter="DEP")
    assert found(taken) == [("received-by-other", "E-1")]
    assert judge([taken], LIMITS)[0].facts["reporter"] == "DEP"
    assert found(replace(taken, verdict="illegal-step")) == [("disputed", "E-1")]


@pytest.mark.parametrize("before", ["destroyed", "exported"])
def test_seen_after_end(before: Disposition) -> None:
    told = replace(SEEN, verdict="illegal-step", before=before, after=before)
    assert found(told) == [("seen-after-end", "U1")]


def test_another_illegal_step_is_a_dispute() -> None:
    assert found(replace(SEEN, verdict="illegal-step", before="lost")) == [("disputed", "E-1")]


def test_elsewhere() -> None:
    elsewhere = replace(SEEN, owner="DEP")
    pallet = [replace(elsewhere, article=f"U{n}") for n in range(30)]
    cases = judge([*pallet, SEEN], LIMITS)
    assert [(each.rule, each.subject) for each in cases] == [("elsewhere", "E-1")]
    assert (cases[0].facts["count"], cases[0].facts["holders"]) == (30, ["UMG"])
    assert found(SEEN) == [], "at home"
    assert found(replace(elsewhere, holder=None)) == [], "nobody knows who had it"
    assert found(replace(elsewhere, what="received", holder="DEP")) == []
    for rightly in ("in-transit", "in-repair", "seized"):
        assert found(replace(elsewhere, after=rightly)) == []


def test_too_far() -> None:
    """75 km of road, some 59 in a straight line, are no way for ten minutes."""
    at_once = replace(TIRANA, happened=NOW - timedelta(minutes=10))
    told = replace(SEEN, spot=GRAMSH, others=(at_once,))
    assert found(told) == [("too-far", "U1")]
    case = judge([told], LIMITS)[0]
    assert (case.facts["km"], case.facts["minutes"]) == (59, 10)
    by_lorry = replace(TIRANA, happened=NOW - timedelta(hours=1))
    assert found(replace(told, others=(by_lorry,))) == []
    later = replace(TIRANA, happened=NOW + timedelta(minutes=10))
    assert found(replace(told, others=(by_lorry, later))) == [("too-far", "U1")]
    assert found(replace(told, spot=None)) == []


@given(*(st.tuples(st.floats(-90, 90), st.floats(-180, 180)) for _ in range(3)))
def test_distances_are_distances(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]
) -> None:
    one, two, three = (replace(GRAMSH, latitude=x, longitude=y) for x, y in (a, b, c))
    assert distance_km(one, one) == 0
    assert 0 <= distance_km(one, two) <= 20_016
    assert distance_km(one, two) == pytest.approx(distance_km(two, one))
    assert distance_km(one, three) <= distance_km(one, two) + distance_km(two, three) + 0.01


@given(st.floats(-89, 89), st.floats(-179, 179), st.floats(0, NEAR_KM - 0.1))
def test_what_is_near_is_never_too_far(up: float, along: float, km: float) -> None:
    here = replace(GRAMSH, latitude=up, longitude=along)
    there = replace(here, event="E-2", latitude=min(90.0, up + km / 111.2))
    assert found(replace(SEEN, spot=here, others=(there,))) == []


def test_block_too_fast() -> None:
    assert found(BLOCK) == [], "200 numbers at two a second"
    fast = replace(BLOCK, used_up=NOW + timedelta(seconds=99))
    assert found(fast) == [("block-too-fast", "B-1")]


@pytest.mark.parametrize(("ahead", "rules"), [(60, 0), (-60, 0), (61, 1), (-6e7, 1)])
def test_clock_off(ahead: float, rules: int) -> None:
    clock = ClockRead("gramsh.line-1", "gramsh.line-1/1/7", ahead)
    assert found(clock) == [("clock-off", "gramsh.line-1")] * rules
    assert [case.facts["seconds"] for case in judge([clock], LIMITS)] == [ahead] * rules


def test_gateway_silent() -> None:
    assert found(HEARD) == []
    silent = replace(HEARD, now=NOW + timedelta(seconds=1))
    assert found(silent) == [("gateway-silent", "gramsh.line-1")]
    assert found(replace(silent, since=NOW - timedelta(minutes=5))) == [], "nobody listened"
    still = replace(silent, now=NOW + timedelta(hours=5))
    assert judge([silent], LIMITS)[0].number == judge([still], LIMITS)[0].number


def test_gateway_behind() -> None:
    assert found(BEHIND) == []
    late = replace(BEHIND, now=NOW + timedelta(seconds=1))
    assert found(late) == [("gateway-behind", "gramsh.line-1")]
    assert judge([late], LIMITS)[0].number == judge([replace(late, waiting=9)], LIMITS)[0].number


def test_gateway_latched() -> None:
    assert found(LATCHED) == [], "an operator ends what only stops a station"
    for latch in ("rolled-back", "forked", "two-of-me", "journal-corrupt"):
        alert = judge([replace(LATCHED, latches=(latch,))], LIMITS)[0]
        assert (alert.rule, alert.severity) == ("gateway-latched", "critical")
        assert alert.facts["latches"] == [latch]
        anew = replace(LATCHED, latches=(latch,), boot="4-" + "b" * 16)
        assert judge([anew], LIMITS)[0].number == alert.number
        assert judge([replace(anew, epoch=2)], LIMITS)[0].number != alert.number
    for latch in ("journal-full", "guard-silent"):
        stopped = replace(LATCHED, latches=(latch,))
        assert found(stopped) == [(latch, "gramsh.line-1")]
        again = replace(stopped, boot="4-" + "b" * 16)
        assert judge([stopped], LIMITS)[0].number != judge([again], LIMITS)[0].number


def test_journal_forked() -> None:
    assert found(FORKED) == [("journal-forked", "gramsh.line-1")]
    more = replace(FORKED, uiis=("U1", "U2", "U3"))
    assert judge([FORKED], LIMITS)[0].number != judge([more], LIMITS)[0].number


def test_register_older() -> None:
    assert found(OLDER) == [("register-older", "register")]
    again = replace(OLDER, incarnation=OLDER.incarnation + 5)
    assert judge([OLDER], LIMITS)[0].number != judge([again], LIMITS)[0].number


def test_claims_more() -> None:
    assert found(replace(CLAIM, claimed=CLAIM.held)) == []
    (alert,) = judge([CLAIM], LIMITS)
    assert (alert.rule, alert.severity, alert.subject) == ("claims-more", "warning", CLAIM.gateway)
    more = replace(CLAIM, claimed=CLAIM.claimed + 100)
    assert judge([more], LIMITS)[0].number == alert.number, "a faulty gateway names any number"


def test_overdue() -> None:
    """Who asks the register has looked at the clock already."""
    assert found(LATE) == [("overdue", "C-1")]
    still = replace(LATE, state="reported")
    assert judge([LATE], LIMITS)[0].number == judge([still], LIMITS)[0].number


def test_received_short() -> None:
    """Who had it last is named for each number; a receipt that is complete is no case."""
    assert found(replace(SHORT, short=(), count=0)) == []
    (finding,) = judge([SHORT], LIMITS)
    assert (finding.rule, finding.subject) == ("received-short", "C-1")
    assert (finding.facts["articles"], finding.facts["holders"]) == (["U3"], ["UMG"])
    assert finding.facts["last"] == ["U3: UMG (dispatched, E-5)"]


def test_scan_refused() -> None:
    assert found(REFUSED) == [("scan-refused", "gramsh.scanner-1")]
    other = replace(REFUSED, record="gramsh.scanner-1/1/8")
    assert judge([REFUSED], LIMITS)[0].number != judge([other], LIMITS)[0].number


def test_balance_open() -> None:
    assert found(BALANCE) == []
    assert found(replace(BALANCE, unaccounted=1)) == [("balance-open", "G-1")]
    assert found(replace(BALANCE, unaccounted=-1)) == [("balance-open", "G-1")]


def test_count_missing() -> None:
    assert found(COUNTED) == []
    weapon = replace(COUNTED, weapons=("U1",))
    assert found(weapon) == [("count-missing", "INV-1")]
    assert found(replace(COUNTED, pieces=20)) == [("count-missing", "INV-1")]
    again = replace(weapon, act=41)
    assert judge([weapon], LIMITS)[0].number != judge([again], LIMITS)[0].number


def test_unjudged() -> None:
    assert found(UNJUDGED) == [("unjudged", "gramsh.line-1")]
    # Its marks are refused for it: one alert of it is enough.
    assert found(replace(MARK, code="unjudged")) == []


def test_not_stored() -> None:
    assert found(NOT_STORED, replace(NOT_STORED, count=3)) == [("not-stored", "gramsh.line-1")] * 2
    more = judge([NOT_STORED, replace(NOT_STORED, count=3)], LIMITS)
    assert more[0].number == more[1].number, "one for a day"


def test_look_failed() -> None:
    assert found(FAILED) == [("look-failed", "register")]
    assert judge([FAILED], LIMITS)[0].facts["look"] == "journal-forked"


def test_count_overdue() -> None:
    assert found(LATE_COUNT) == [("count-overdue", "INV-1")]
    still = replace(LATE_COUNT, state="counted")
    assert judge([LATE_COUNT], LIMITS)[0].number == judge([still], LIMITS)[0].number


def test_lot_balance_open() -> None:
    assert found(LOT) == []
    assert found(replace(LOT, short=1)) == [("lot-balance-open", "FMJ/L-1")]
    assert found(replace(LOT, disputed=1)) == [("lot-balance-open", "FMJ/L-1")]


CASES: Sequence[Looked] = (
    replace(MARK, doubled=("U2",)),
    replace(MARK, code="not-licensed"),
    replace(SEEN, event="E-5", verdict="not-held"),
    replace(SEEN, event="E-7", what="received", verdict="not-held", reporter="DEP"),
    replace(SEEN, event="E-6", verdict="illegal-step", before="destroyed"),
    replace(SEEN, owner="DEP", spot=GRAMSH, others=(TIRANA,)),
    replace(BLOCK, used_up=NOW),
    replace(HEARD, now=NOW + timedelta(days=1)),
    replace(LATCHED, latches=("rolled-back",)),
    replace(LATCHED, latches=("journal-full",)),
    replace(LATCHED, latches=("guard-silent",)),
    FORKED,
    replace(BEHIND, since=NOW - timedelta(days=1)),
    OLDER,
    CLAIM,
    ClockRead("gramsh.line-1", "gramsh.line-1/1/7", 7200.0),
    replace(BALANCE, unaccounted=3),
    replace(LOT, short=30, disputed=2),
    LATE,
    SHORT,
    replace(COUNTED, weapons=("U1",)),
    LATE_COUNT,
    REFUSED,
    UNJUDGED,
    NOT_STORED,
    FAILED,
)


def test_every_rule_has_a_case_here_and_a_place_in_the_table() -> None:
    assert {each.rule for each in judge(CASES, LIMITS)} == set(get_args(RuleCode)) == set(BY_CODE)
    assert len(RULES) == len(BY_CODE)


@pytest.mark.parametrize("case", judge(CASES, LIMITS), ids=lambda case: case.rule)
def test_its_texts_are_filled_in_both_languages(case: Finding) -> None:
    alert = raised(case)
    told = {language: words(alert, language) for language in LANGUAGES}
    assert len({each.title for each in told.values()}) == len(LANGUAGES)
    assert len({each.text for each in told.values()}) == len(LANGUAGES)
    for each in told.values():
        assert case.subject in each.text or case.about == "register"
        assert "{" not in each.body
        assert case.number in each.body
    # Words, and no codes: neither the register's nor a machine's time.
    codes = [case.facts.get(name, []) for name in ("what", "verdicts", "before", "direction")]
    codes += [case.facts.get(name, []) for name in ("state", "code", "planned_arrival", "due")]
    codes += [case.facts.get("latches", [])]
    for code in (one for each in codes for one in (each if isinstance(each, list) else [each])):
        assert re.search(rf"\b{re.escape(str(code))}\b", told["sq"].text) is None
    assert "dispatched" not in told["sq"].text


DISPUTED = replace(SEEN, verdict="not-held")
ASTRAY = replace(SEEN, owner="DEP")


def in_no_time(minutes: int) -> Told:
    soon = replace(TIRANA, happened=NOW + timedelta(minutes=minutes))
    return replace(SEEN, spot=GRAMSH, others=(soon,))


@pytest.mark.parametrize(
    ("looked", "albanian", "english"),
    [
        ((DISPUTED,), "mund t'i ketë ndodhur një artikulli", "befallen one of its articles"),
        (
            (DISPUTED, replace(DISPUTED, article="U2")),
            "mund t'u ketë ndodhur 2 artikujve",
            "befallen 2 of its articles",
        ),
        ((ASTRAY,), "një artikull në UMG.GR, vend i DEP, që duhet ta ketë", "of an article at"),
        (
            (ASTRAY, replace(ASTRAY, article="U2")),
            "2 artikuj në UMG.GR, vend i DEP, që duhet t'i ketë",
            "of 2 articles at",
        ),
        ((in_no_time(1),), "km brenda një minute", "km within a minute"),
        ((in_no_time(2),), "km brenda 2 minutave", "km within 2 minutes"),
        (
            (replace(BLOCK, size=1, used_up=NOW),),
            "numri i tij i vetëm u harxhua",
            "its one number was used up",
        ),
        ((replace(BLOCK, size=2, used_up=NOW),), "2 numra u harxhuan", "2 numbers were used up"),
        (
            (SHORT,),
            "nuk erdhi një nga artikujt e saj. Kush e kishte",
            "one of its articles did not",
        ),
        (
            (replace(SHORT, count=2),),
            "nuk erdhën 2 nga artikujt e saj. Kush i kishte",
            "2 of its articles did not",
        ),
        (
            (replace(COUNTED, weapons=("U1",), pieces=1),),
            "mungon një armë dhe, nga copat e pakoduara, 1: U1",
            "a weapon is missing and, of loose pieces, 1: U1",
        ),
        (
            (replace(COUNTED, weapons=("U1", "U2")),),
            "mungojnë 2 armë dhe, nga copat e pakoduara, 0: U1, U2",
            "2 weapons are missing and, of loose pieces, 0: U1, U2",
        ),
        (
            (replace(BALANCE, unaccounted=1),),
            "për një numër nuk jepet llogari",
            "one number is not accounted for",
        ),
        (
            (replace(BALANCE, unaccounted=2),),
            "për 2 numra nuk jepet llogari",
            "2 numbers are not accounted for",
        ),
        (
            (replace(LOT, short=1),),
            "tregohet për një copë që nuk ka qenë",
            "one piece is told of that there never was",
        ),
        (
            (replace(LOT, short=2),),
            "tregohet për 2 copë që nuk kanë qenë",
            "2 pieces are told of that there never were",
        ),
    ],
)
def test_one_is_told_in_the_singular_and_two_are_not(
    looked: Sequence[Looked], albanian: str, english: str
) -> None:
    (case,) = judge(looked, LIMITS)
    assert albanian in words(raised(case), "sq").text
    assert english in words(raised(case), "en").text


def test_what_is_counted_is_a_number_among_the_facts_of_a_rule() -> None:
    for case in judge(CASES, LIMITS):
        counted = BY_CODE[case.rule].counted
        assert not counted or isinstance(case.facts[counted], int)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fact_has_its_name_on_the_page_and_no_other_has(language: Language) -> None:
    d = load(language, "desks")
    names = {name for case in judge(CASES, LIMITS) for name in case.facts}
    contexts = ("alerts field", "field")
    assert [n for n in sorted(names) if not any(d.has(n, each) for each in contexts)] == []
    own = {key.partition("\x04")[2] for key in d.by_key if key.startswith("alerts field\x04")}
    assert sorted(own - names - Alert.model_fields.keys()) == [], "nobody says it"


def test_the_facts_of_its_page_are_in_words() -> None:
    desk = BY_NAME["alerts"]
    assert desk.read is not None
    (short,), (scan,) = judge([SHORT], LIMITS), judge([REFUSED], LIMITS)
    told: dict[tuple[Language, str], Mapping[str, Any]] = {
        (language, case.rule): desk.read(raised(case).model_dump(mode="json"), language)["facts"]
        for language in LANGUAGES
        for case in (short, scan)
    }
    assert told["sq", "received-short"]["last"] == ["U3: UMG (u nis, E-5)"]
    assert told["en", "received-short"]["last"] == ["U3: UMG (dispatched, E-5)"]
    assert told["sq", "received-short"]["count"] == 1, "numbers stay so"
    assert told["sq", "scan-refused"]["code"] == "kod i panjohur"
    assert told["en", "scan-refused"]["code"] == "an unknown code"


def test_why_a_record_was_refused_is_in_words() -> None:
    detail = "lease-ended: the lease ended at 2026-11-24T12:00:00+00:00"
    (case,) = judge([replace(MARK, code="lease-ended", detail=detail)], LIMITS)
    albanian, english = (words(raised(case), language).text for language in LANGUAGES)
    assert "leja për të punuar pa rrjet mbaroi më 24.11.2026 13:00:00" in albanian
    assert "the lease ended at 24.11.2026 13:00:00" in english


def raised(case: Finding) -> Alert:
    return Alert(
        number=case.number,
        rule=case.rule,
        severity=case.severity,
        about=case.about,
        subject=case.subject,
        cause=case.cause,
        facts=case.facts,
        state="raised",
        opened=1,
        raised=NOW,
        version=1,
    )

"""Certificates by the pure rules: their steps, which approval covers, which acceptance decides."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from central.errors import Conflict, NotFound
from central.register.acts import Act
from central.register.certificates.acceptance import Acceptance, judge
from central.register.certificates.models import (
    Approval,
    Extension,
    NewCertificate,
    Permit,
    in_force,
)
from central.register.certificates.service import Certificate, apply

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
DAY = timedelta(days=1)
FIELDS: dict[str, Any] = {
    "number": "TA-1",
    "kind": "type-approval",
    "institution": "Proof house",
    "product": "M70",
    "result": "passed",
    "issued": NOW.isoformat(),
    "valid_until": (NOW + 10 * DAY).isoformat(),
    "document": "0" * 64,
}


def act(number: int, what: str, payload: Mapping[str, Any] | None = None, day: int = 0) -> Act:
    at = NOW + day * DAY
    return Act(number, at, "certificate", "TA-1", what, payload or {}, f"reason {number}")


def issued(**more: Any) -> Certificate:
    fields = NewCertificate.model_validate(FIELDS | more).model_dump(mode="json")
    items = [{"uii": uii} for uii in fields["items"]]
    return apply(None, act(1, "issued", fields | {"entity": "UMG", "items": items}))


def until(day: int) -> dict[str, str]:
    return {"valid_until": (NOW + day * DAY).isoformat()}


def test_every_step() -> None:
    certificate = issued()
    assert (certificate.state, certificate.version, certificate.entity) == ("issued", 1, "UMG")
    certificate = apply(certificate, act(2, "extended", until(20), day=9))
    assert certificate.valid_until == NOW + 20 * DAY
    assert (certificate.state, certificate.reason) == ("issued", "reason 2")
    certificate = apply(certificate, act(3, "withdrawn"))
    assert (certificate.state, certificate.reason, certificate.version) == (
        "withdrawn",
        "reason 3",
        3,
    )


@pytest.mark.parametrize(
    ("before", "last"),
    [
        ((), act(9, "withdrawn")),
        ((), act(9, "extended", until(20))),
        ((act(2, "withdrawn"),), act(9, "withdrawn")),
        ((act(2, "withdrawn"),), act(9, "extended", until(20))),
        ((act(2, "extended", until(20)),), act(9, "extended", until(20))),
        ((act(2, "extended", until(20)),), act(9, "extended", until(15))),
    ],
)
def test_what_is_no_step(before: tuple[Act, ...], last: Act) -> None:
    certificate = issued() if before else None
    for each in before:
        certificate = apply(certificate, each)
    with pytest.raises((Conflict, NotFound)):
        apply(certificate, last)


def test_what_has_ended_or_never_ends_is_not_extended() -> None:
    with pytest.raises(Conflict, match="has ended"):
        apply(issued(), act(2, "extended", until(20), day=10))
    with pytest.raises(Conflict, match="no end"):
        apply(issued(valid_until=None), act(2, "extended", until(20)))
    with pytest.raises(Conflict, match="exists"):
        apply(issued(), act(2, "issued", FIELDS))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"issuer": "UMG"}, "one of the two"),
        ({"institution": None}, "one of the two"),
        ({"product": None}, "what it is about"),
        ({"items": ["A"]}, "without product and lot"),
        ({"product": None, "items": ["A"]}, "not of a lot or of items"),
        ({"lot": "L"}, "not of a lot or of items"),
        ({"kind": "acceptance"}, "of a lot or of items"),
        ({"kind": "acceptance", "product": None, "items": ["A", "A"]}, "stands twice"),
        ({"result": "failed"}, "stands with what has passed"),
        ({"valid_until": NOW.isoformat()}, "lies after issued"),
        ({"document": "0" * 63}, "document"),
        ({"issued": "2026-11-26T09:00:00"}, "issued"),
        ({"signature": "x"}, "signature"),
    ],
)
def test_what_is_not_well_formed(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        NewCertificate.model_validate(FIELDS | change)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "acceptance", "lot": "L"},
        {"kind": "acceptance", "product": None, "items": ["A", "B"]},
        {"kind": "proof-test"},
        {"kind": "proof-test", "lot": "L"},
        {"kind": "proof-test", "product": None, "items": ["A"]},
        {"institution": None, "issuer": "UMG"},
        {"result": "failed", "valid_until": None},
    ],
)
def test_what_a_certificate_may_be_about(change: dict[str, Any]) -> None:
    assert issued(**change).state == "issued"


def test_an_extension_says_why() -> None:
    with pytest.raises(ValidationError):
        Extension.model_validate({"valid_until": NOW.isoformat()})


def obstacle(known: list[Approval], now: datetime) -> str:
    return Permit(approvals=tuple(known)).obstacle(now)


def approval(begins: int = 0, ends: int | None = 10, *, withdrawn: bool = False) -> Approval:
    until = None if ends is None else NOW + ends * DAY
    return Approval(f"TA{begins}", NOW + begins * DAY, until, withdrawn)


@pytest.mark.parametrize(
    ("day", "covered"), [(-0.1, False), (0, True), (9.9, True), (10, False), (11, False)]
)
def test_an_approval_covers_from_its_issue_to_its_end(day: float, covered: bool) -> None:
    now = NOW + day * DAY
    assert approval().covers(now) is covered
    assert obstacle([approval()], now) == ("" if covered else "approval-ended")
    assert obstacle([approval(withdrawn=True)], now) == "approval-ended"


def test_a_product_from_before_approvals_goes_on() -> None:
    assert obstacle([], NOW) == ""
    assert in_force([], NOW) is None


def test_a_withdrawn_product_is_not_marked_whatever_its_approvals() -> None:
    withdrawn = Permit(withdrawn=True, reason="x", approvals=(approval(),))
    assert withdrawn.obstacle(NOW) == "product-withdrawn"
    assert Permit(approvals=(approval(), approval(0, 20))).until(NOW) == NOW + 20 * DAY
    assert Permit(approvals=(approval(), approval(0, None))).until(NOW) is None


def test_the_one_that_lasts_longest_covers() -> None:
    short, long, endless = approval(0, 1), approval(0, 9), approval(0, None)
    assert in_force([short, long], NOW) == long
    assert in_force([short, endless, long], NOW) == endless
    assert in_force([approval(0, None, withdrawn=True), short], NOW) == short


APPROVALS = st.lists(
    st.builds(
        Approval,
        st.text(max_size=2),
        st.integers(-5, 5).map(lambda day: NOW + day * DAY),
        st.none() | st.integers(-5, 5).map(lambda day: NOW + day * DAY),
        st.booleans(),
    ),
    max_size=5,
)


@given(APPROVALS)
def test_marking_stands_just_while_one_of_them_covers(known: list[Approval]) -> None:
    covered = any(each.covers(NOW) for each in known)
    assert (obstacle(known, NOW) == "") is (covered or not known)
    found = in_force(known, NOW)
    if found is not None and found.until is not None:
        last = found.until - timedelta(microseconds=1)
        assert obstacle(known, last) == "", "it covers up to its end"
        others = [each for each in known if each.begins <= NOW]
        assert obstacle(others, found.until) == "approval-ended", "and nothing of now lasts longer"


def acceptance(
    number: str, day: int, result: Any = "passed", ends: int | None = None, withdrawn: bool = False
) -> Acceptance:
    until = None if ends is None else NOW + ends * DAY
    return Acceptance(number, result, NOW + day * DAY, until, withdrawn, day + 100)


@pytest.mark.parametrize(
    ("covering", "accepted", "by"),
    [
        ([], False, None),
        ([acceptance("A", -1)], True, "A"),
        ([acceptance("A", -1, "failed")], False, "A"),
        ([acceptance("A", -2), acceptance("B", -1, "failed")], False, "B"),
        ([acceptance("A", -2, "failed"), acceptance("B", -1)], True, "B"),
        ([acceptance("A", -2), acceptance("B", -1, "failed", withdrawn=True)], True, "A"),
        ([acceptance("A", -2, ends=0)], False, None),
        ([acceptance("A", -2, ends=1)], True, "A"),
    ],
)
def test_the_newest_acceptance_that_stands_decides(
    covering: list[Acceptance], accepted: bool, by: str | None
) -> None:
    verdict = judge(covering, NOW)
    assert (verdict.accepted, verdict.by) == (accepted, by)
    newest = sorted(covering, key=lambda each: each.issued, reverse=True)
    assert list(verdict.considered) == [each.number for each in newest]

"""What stands of a gateway's words about itself: the newest boot's, a copy's while it is there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from central.ingest.states import Heard, merged
from gateway.contract.topics import Boot

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST = Heard(1, Boot(1, "a" * 16), True, (5, 1), 10, (), NOON)
SECOND = replace(FIRST, boot=Boot(2, "b" * 16))


def later(heard: Heard, minutes: int) -> Heard:
    return replace(heard, at=NOON + timedelta(minutes=minutes))


def gone(heard: Heard) -> Heard:
    return replace(heard, online=False, plan=None, seq=None)


@pytest.mark.parametrize(
    ("old", "new", "stands"),
    [
        pytest.param(None, FIRST, True, id="the first word"),
        pytest.param(FIRST, SECOND, True, id="a newer boot"),
        pytest.param(SECOND, FIRST, False, id="an older boot"),
        pytest.param(SECOND, gone(FIRST), False, id="an older boot's end"),
        pytest.param(gone(SECOND), FIRST, True, id="a copy has come and gone"),
        pytest.param(SECOND, later(FIRST, 2), False, id="an older boot, and the newer is there"),
        pytest.param(SECOND, later(FIRST, 3), True, id="a newer boot that went without a word"),
        pytest.param(SECOND, gone(later(FIRST, 3)), False, id="an older boot's late end"),
        pytest.param(gone(SECOND), gone(FIRST), False, id="an older boot's end, after the end"),
        pytest.param(gone(replace(SECOND, epoch=2)), FIRST, False, id="an epoch that is over"),
        pytest.param(
            FIRST, gone(replace(FIRST, boot=Boot(1, "c" * 16))), False, id="another's end"
        ),
    ],
)
def test_whose_word_stands(old: Heard | None, new: Heard, *, stands: bool) -> None:
    assert (merged(old, new) is not None) == stands


def test_a_start_that_knows_no_end_has_not_reported_to_its_end() -> None:
    """No number is issued after a restore before every gateway has; its former end says nothing."""
    latched = Heard(1, Boot(0, "d" * 16), True, None, None, ("journal-corrupt",), NOON)
    stands = merged(gone(SECOND), latched)
    assert stands is not None
    assert (stands.seq, stands.latches) == (None, ("journal-corrupt",))
    assert merged(latched, SECOND) == SECOND, "the journal could be opened again"

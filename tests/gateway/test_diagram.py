"""The cycle's diagram in the documentation is that of the code, and says what must never break."""

from gateway.moves import ARMED_PHASES, Phase
from tests.gateway.diagram import DOCUMENT, transitions, written


def test_the_documentation_shows_the_cycle_as_it_is() -> None:
    document = DOCUMENT.read_text()
    assert written(document) == document, "python -m tests.gateway.diagram --write"


def test_every_state_is_reached_and_left() -> None:
    walked = transitions()
    assert {before for before, _, after in walked if before is not after} == set(Phase)
    assert {after for before, _, after in walked if before is not after} == set(Phase)


def test_nothing_is_armed_before_the_intent_is_journalled_and_the_guard_written() -> None:
    into = {(before, name) for before, name, after in transitions() if after is Phase.ARMING}
    assert into == {(Phase.GUARDING, "the guard is written"), (Phase.COMMITTING, "a trial")}


def test_nobody_reads_judges_or_settles_before_the_device_is_disarmed() -> None:
    """Out of the states in which it may fire, only a disarm leads; or an outcome to journal."""
    after_disarm = {Phase.READING, Phase.JUDGING, Phase.SET_ASIDE, Phase.UNKNOWN}
    allowed = {Phase.DISARMING, Phase.SWITCH_OFF, Phase.RECORDING, Phase.VERIFYING} | after_disarm
    for before, name, after in transitions():
        if after in after_disarm:
            assert before in allowed | {Phase.READ_BLOCKED}, (before, name, after)
        if before in ARMED_PHASES - {Phase.DISARMING}:
            inside = ARMED_PHASES | {Phase.RECORDING}
            assert after in inside, (before, name, after)

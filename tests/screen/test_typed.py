"""What a person types at the page, against the codes that are awaited."""

import pytest

from gateway.screen.typed import content_of

CARTON = "[)>\x1e06\x1d17V0CVA5\x1d1PC9\x1dS0042\x1e\x04"
OTHER = "[)>\x1e06\x1d17V0CVA5\x1d1PC9\x1dS0043\x1e\x04"


@pytest.mark.parametrize(
    "typed",
    [
        CARTON,
        "[)>0617V0CVA51PC9S0042",  # a scanner that drops the control characters
        "[)>\x1e06\x1d17V0CVA5\x1d1PC9\x1dS0042",
        "17V0CVA5 · 1PC9 · S0042",  # as the page itself shows it
        " 17V0CVA5 1PC9 S0042 ",
    ],
)
def test_control_characters_and_blanks_are_not_typed(typed: str) -> None:
    assert content_of(typed, [OTHER, CARTON]) == CARTON


@pytest.mark.parametrize("typed", ["S0042", "0042", "17v0cva5 1pc9 s0042", "[)>06", ""])
def test_what_is_not_the_whole_code_stays_as_it_was_typed(typed: str) -> None:
    assert content_of(typed, [OTHER, CARTON]) == typed


def test_what_would_fit_two_codes_is_neither() -> None:
    one, two = "[)>\x1e06\x1dSAB\x1dTC\x1e\x04", "[)>\x1e06\x1dSA\x1dBTC\x1e\x04"
    assert content_of("SABTC", [one, two]) == "SABTC"

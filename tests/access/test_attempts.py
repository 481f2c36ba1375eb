"""Passwords may be tried a few times a minute."""

import contextlib

import pytest

from central.access.attempts import MOST, WITHIN_S, Attempts
from central.errors import TooMany, Unauthorized, WrongCode, WrongPassword


@pytest.mark.parametrize("error", [Unauthorized, WrongPassword])
def test_after_a_few_failures_an_account_waits_a_minute_and_no_other_does(
    error: type[Unauthorized | WrongPassword],
) -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])

    def fail(account: str) -> None:
        with contextlib.suppress(error), attempts.attempt(account):
            raise error

    for _ in range(MOST):
        fail("arben")
    with pytest.raises(TooMany), attempts.attempt("arben"):
        pytest.fail("it was not tried")
    with attempts.attempt("drita"):
        pass
    now[0] = WITHIN_S
    with attempts.attempt("arben"):
        pass


def test_how_many_and_within_which_time_is_said() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0], what="codes", most=2, within_s=3600)
    for _ in range(2):
        with contextlib.suppress(WrongCode), attempts.attempt("arben"):
            raise WrongCode
    now[0] = 3599.0
    with pytest.raises(TooMany, match="2 codes were tried within 60 minutes"):
        attempts.attempt("arben").__enter__()
    now[0] = 3600.0
    with attempts.attempt("arben"):
        pass


def test_a_good_password_is_not_counted() -> None:
    attempts = Attempts(lambda: 0.0)
    for _ in range(MOST + 1):
        with attempts.attempt("arben"):
            pass


def test_who_tries_while_others_run_is_counted_with_them() -> None:
    attempts = Attempts(lambda: 0.0)
    with contextlib.ExitStack() as running:
        for _ in range(MOST):
            running.enter_context(attempts.attempt("arben"))
        with pytest.raises(TooMany), attempts.attempt("arben"):
            pytest.fail("it was not tried")
    with attempts.attempt("arben"):
        pass


def test_what_fails_for_another_reason_is_not_counted() -> None:
    attempts = Attempts(lambda: 0.0)
    for _ in range(MOST + 1):
        with contextlib.suppress(ZeroDivisionError), attempts.attempt("arben"):
            raise ZeroDivisionError
    with attempts.attempt("arben"):
        pass

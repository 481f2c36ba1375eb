"""Waiting on a condition, never on a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(what: str, condition: Callable[[], T], timeout: float = 60.0) -> T:
    """Ask until the answer is true, and return it; fails the test with `what` when time is up.

    What takes long is asked less often: each question costs those who are waited for their time.
    """
    began = time.monotonic()
    while True:
        answer = condition()
        if answer:
            return answer
        waited = time.monotonic() - began
        if waited > timeout:
            raise AssertionError(f"waited {timeout} s for {what}; last answer: {answer!r}")
        time.sleep(min(max(0.02, waited / 10), 0.2))

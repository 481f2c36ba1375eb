"""Waiting on a condition, never on a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(what: str, condition: Callable[[], T], timeout: float = 20.0) -> T:
    """Ask until the answer is true, and return it; fails the test with `what` when time is up."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {what}; last answer: {answer!r}")
        time.sleep(0.02)

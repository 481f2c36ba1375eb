"""For every test: the markers of `tests.needs`, and as root a skipped test fails.

Root can install whatever a test needs, so there a skip only hides something. Where several
processes run them, `tests.spread` says which runs what. Time that a busy machine takes from an
event loop is not counted (`tests.support.patient`).

`--budget SECONDS` adds a line to the summary: how long the run took, and how far it is over budget.
`--keep-durations` keeps the seconds of the longest files for `tests.spread`.
`--hypothesis-profile long` gives each property eight times the examples.
"""

import asyncio
import gc
import os
import time
from collections.abc import Generator

import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import HealthCheck, settings
from xdist.remote import Producer

from tests.needs import NEEDS
from tests.spread import Spread, keep_durations
from tests.support.patient import PatientPolicy

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile(
    "short", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", settings.get_profile("short"), max_examples=200)
settings.load_profile("short")
DEFAULT_TIMEOUT_CONFIG.read = 60.0  # no less for an answer: httpx offers no setting of its own
asyncio.set_event_loop_policy(PatientPolicy())

STARTED = pytest.StashKey[float]()
"""Start of the run, in seconds of `time.monotonic`."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--budget", type=int, metavar="SECONDS", help="report whether the run took longer"
    )
    parser.addoption(
        "--keep-durations", action="store_true", help="write the longest files to durations.json"
    )


gc.disable()  # collecting the tests makes much and throws little away: a third of its time


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STARTED] = time.monotonic()
    for need in NEEDS:
        config.addinivalue_line("markers", f"{need.marker}: needs {need.what}")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if config.getoption("keep_durations"):
        reports = [report for some in terminalreporter.stats.values() for report in some]
        keep_durations(report for report in reports if isinstance(report, pytest.TestReport))
    budget: int | None = config.getoption("budget")
    if budget is not None:
        taken = time.monotonic() - config.stash[STARTED]
        over = f": over budget by {taken - budget:.0f} s" if taken > budget else ""
        terminalreporter.write_line(f"The run took {taken:.0f} s of {budget} s{over}.")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Spread | None:
    return Spread(config, log) if config.getoption("dist") == "loadfile" else None


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail") and os.geteuid() == 0:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped, and as root nothing is: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report

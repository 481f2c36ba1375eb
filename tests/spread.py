"""Order in which `make test` hands the tests to its processes: the longest files first.

`make test PYTEST=--keep-durations` measures the files anew and writes `durations.json`.

A file's tests stay together and in their order, since they may share a server or a register. Those
of a file in `APART` share nothing, and each goes to whatever process is free; the files of one of
`TOGETHER` share what is made once for a folder.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

DURATIONS = Path(__file__).with_name("durations.json")
"""Seconds of the longest units of work: of a file, a test, or a group by its first file."""
KEPT = 30
APART = frozenset(
    {
        "tests/browser/test_operator.py",
        "tests/browser/test_operator_trays.py",
        "tests/drivers/test_gravotech_part.py",
        "tests/drivers/test_keyence_md_part.py",
        "tests/drivers/test_modbus_faults.py",
        "tests/drivers/test_modbus_tray.py",
        "tests/drivers/test_panasonic_part.py",
        "tests/drivers/test_telesis_part.py",
        "tests/drivers/test_triggered_readers.py",
        "tests/simulation/test_simulation.py",
    }
)
TOGETHER = (
    (
        "tests/central/test_api.py",
        "tests/central/test_enrolment.py",
        "tests/central/test_ingest.py",
        "tests/central/test_schema.py",
    ),
    (
        "tests/crash/test_clock.py",
        "tests/crash/test_forgeries.py",
        "tests/crash/test_full_disk.py",
        "tests/crash/test_stop.py",
        "tests/crash/test_twins.py",
    ),
)


def keep_durations(reports: Iterable[pytest.TestReport]) -> None:
    """Write the seconds of the longest units of work into `DURATIONS`."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for report in reports:
        seconds[_unit(report.nodeid)] += report.duration
    longest = sorted(seconds, key=lambda unit: seconds[unit], reverse=True)[:KEPT]
    kept = {unit: round(seconds[unit], 1) for unit in longest}
    DURATIONS.write_text(json.dumps(kept, indent=2) + "\n")


class Spread(LoadFileScheduling):
    """xdist's own, with an order by time in place of one by the number of tests."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        self.seconds: dict[str, float] = json.loads(DURATIONS.read_text())

    def _split_scope(self, nodeid: str) -> str:
        return _unit(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        longest = max(self.workqueue, key=lambda unit: self.seconds.get(unit, 0))
        self.workqueue.move_to_end(longest, last=False)
        super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        """A process has to know the test after the one that it runs, and is told of no more: what
        takes long must not wait behind what takes long while another process is free."""
        if node.shutting_down or not self.workqueue or self._left(node) < 2:
            super()._reschedule(node)

    def _left(self, node: WorkerController) -> int:
        return self._pending_of(self.assigned_work[node])


def _unit(nodeid: str) -> str:
    """Return the name of the unit of work that a test belongs to."""
    file = nodeid.split("::", 1)[0]
    if file in APART:
        return nodeid
    return next((files[0] for files in TOGETHER if file in files), file)

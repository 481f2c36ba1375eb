"""How `make test` spreads the tests over its processes: what takes longest begins first.

A file's tests stay together and in their order, since they may share a server or a register. Those
of a file in `APART` share nothing, and each goes to whatever process is free; the files of one of
`TOGETHER` share what is made once for a folder.
"""

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

LONGEST = (
    "tests/e2e/test_demo.py",
    "tests/browser/test_accessibility.py",
    "tests/browser/test_warehouse.py",
    "tests/e2e/test_mosquitto.py",
    "tests/api/test_schemathesis.py",
    "tests/central/test_faults.py",
    "tests/crash/test_restored_register.py",
    "tests/simulation/test_twin.py",
    "tests/browser/test_both_ends.py",
    "tests/queries/test_at_size.py",
    "tests/central/test_issuing.py",
    "tests/central/test_races.py",
    "tests/central/test_twins.py",
    "tests/register/test_imports_api.py",
    "tests/crash/test_kills.py",
    "tests/browser/test_registry.py",
    "tests/crash/test_latched_journals.py",
    "tests/crash/test_full_disk.py",
    "tests/crash/test_twins.py",
    "tests/scans/test_batches.py",
    "tests/browser/test_operator_holds.py",
    "tests/queries/test_register.py",
    "tests/register/test_oversight_api.py",
    "tests/register/test_certificates_api.py",
    "tests/central/test_plans.py",
    "tests/central/test_balance.py",
    "tests/register/test_licences_api.py",
    "tests/alerts/test_watch.py",
    "tests/drivers/test_modbus_faults.py",
    "tests/drivers/test_panasonic_part.py",
    "tests/simulation/test_simulation.py",
    "tests/browser/test_operator.py",
    "tests/browser/test_operator_trays.py",
)
"""By what they took on two cores; what is not here takes less."""

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


class Spread(LoadFileScheduling):
    """xdist's own, with an order by time in place of one by the number of tests."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        if file in APART:
            return nodeid
        return next((files[0] for files in TOGETHER if file in files), file)

    def _assign_work_unit(self, node: WorkerController) -> None:
        self.workqueue.move_to_end(min(self.workqueue, key=_place), last=False)
        super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        """A process has to know the test after the one that it runs, and is told of no more: what
        takes long must not wait behind what takes long while another process is free."""
        if node.shutting_down or not self.workqueue or self._left(node) < 2:
            super()._reschedule(node)

    def _left(self, node: WorkerController) -> int:
        return self._pending_of(self.assigned_work[node])


def _place(scope: str) -> int:
    """Where it stands in the order; of equals the first one is taken."""
    file = scope.split("::", 1)[0]
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)

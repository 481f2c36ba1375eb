"""A damaged journal with undelivered parts in it: every one of them reaches the register."""

import json
from collections.abc import Callable

import pytest

from tests.crash.agreement import Metal, assert_metal_is_single, reconcile
from tests.crash.agreement import register as held
from tests.crash.damage import flip_in_the_file, flip_in_the_log
from tests.crash.site import Site
from tests.crash.test_latched_journals import assert_cannot_be_opened, run_latched

pytestmark = pytest.mark.slow
MakeSite = Callable[..., Site]
OFFLINE = 3


@pytest.mark.parametrize(
    "damage", [flip_in_the_log, pytest.param(flip_in_the_file, marks=pytest.mark.long)]
)
def test_every_part_of_a_damaged_journal_reaches_the_register(
    sites: MakeSite, damage: Callable[[Site], None]
) -> None:
    site = sites(f"salvage.{damage.__name__.replace('_', '-')}", cabled=True)
    site.run()
    site.mark_good()
    site.wait_delivered()
    site.cable.pull()
    for _ in range(OFFLINE):
        site.mark_good()
    if damage is flip_in_the_log:
        site.kill()
    else:
        site.stop()
    damage(site)
    damaged = {path: path.read_bytes() for path in site.journals.glob("epoch-0001.db*")}
    run_latched(site)
    assert_cannot_be_opened(site)
    (latch,) = site.page.snapshot()["latches"]
    assert latch["latch"] == "journal-corrupt"
    site.stop()

    old = site.journal
    site.enrol("a byte of the journal was flipped")
    file = site.folder / "salvage"
    done = site.command("journal", "salvage", "--json", "--journal", str(old), str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["missing"] == []
    told = json.loads(
        site.centre.run("salvage", str(file), "--reason", "a byte was flipped", "--json")
    )
    assert told["records"] > 2 * OFFLINE

    site.cable.plug()
    site.run()
    site.mark_good()
    site.wait_delivered()
    metal, states = Metal.of(site), held(site)
    assert_metal_is_single(metal)
    assert len(metal.pieces) == len(states) == OFFLINE + 2
    assert set(states.values()) == {"good"}
    line = reconcile(site.centre)
    (order,) = [each for each in line["orders"] if each["order"] == site.order_code]
    assert order["good"] == OFFLINE + 2
    assert order["unaccounted"] == []
    if damage is flip_in_the_log:  # nothing has written there since
        assert {path: path.read_bytes() for path in damaged if path.suffix != ".db-shm"} == {
            path: content for path, content in damaged.items() if path.suffix != ".db-shm"
        }

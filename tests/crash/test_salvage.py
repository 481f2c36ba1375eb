"""A damaged journal with undelivered parts in it: every one of them reaches the register."""

import json
from collections.abc import Callable

import pytest

from gateway.pages import FRAME_HEADER, LOG_HEADER, log_of
from tests.crash.agreement import Metal, assert_metal_is_single, reconcile
from tests.crash.agreement import register as held
from tests.crash.site import Site
from tests.crash.test_latched_journals import assert_cannot_be_opened, run_latched

pytestmark = pytest.mark.slow
MakeSite = Callable[..., Site]
PAGE = 4096
OFFLINE = 3


def flip_in_the_file(site: Site) -> None:
    """A byte of a record that was delivered; the gateway had stopped as it should."""
    site.stop()
    content = bytearray(site.journal.read_bytes())
    content[content.index(b'"type":"opened"') + 9] ^= 0x20
    site.journal.write_bytes(content)


def flip_in_the_log(site: Site) -> None:
    """A byte of the log's third page, after a power cut: SQLite drops what follows."""
    site.kill()
    log = log_of(site.journal)
    content = bytearray(log.read_bytes())
    content[LOG_HEADER + 2 * (FRAME_HEADER + PAGE) + FRAME_HEADER + PAGE - 80] ^= 0x20
    log.write_bytes(content)


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

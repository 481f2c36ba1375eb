"""Central's database comes back from an older backup: gateways tell it what it has forgotten."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from central import embedded
from tests.crash.agreement import Metal, assert_metal_is_single, intents, reconcile
from tests.crash.site import Site, seed
from tests.support.central import Centre
from tests.support.wait import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.long]
PROGRAMS = ("serve", "plan", "ingest-1", "ingest-2")
BLOCK = 4


@pytest.fixture
def small_blocks() -> Iterator[Centre]:
    """A centre of its own that issues few numbers at a time."""
    with Centre.started(*PROGRAMS, block_size=BLOCK) as started:
        seed(started)
        yield started


def stop_everything(centre: Centre) -> None:
    for name in PROGRAMS:
        centre.stop(name)
    embedded.stop(centre.folder / "pg")


def copy(centre: Centre, source: str, target: str) -> None:
    """Copy the stopped database's folder, owners and all."""
    if (centre.folder / target).exists():
        shutil.rmtree(centre.folder / target)
    command = ["cp", "-a", str(centre.folder / source), str(centre.folder / target)]
    subprocess.run(command, check=True)


def start_everything(centre: Centre) -> None:
    embedded.start(centre.folder / "pg")
    for name in PROGRAMS:
        centre.start(name)


def register(site: Site) -> dict[str, str]:
    """By UII, the state of what the register holds of the site's order; nothing is doubled."""
    rows = site.centre.sql(
        "SELECT uii, state, duplicated FROM item WHERE order_code = %s", site.order_code
    )
    assert not any(duplicated for *_, duplicated in rows)
    return {uii: state for uii, state, _ in rows}


def blocks(centre: Centre) -> int:
    ((count,),) = centre.sql("SELECT count(*) FROM block")
    return int(count)


def test_nothing_is_lost_and_no_number_is_issued_twice(small_blocks: Centre) -> None:
    centre = small_blocks
    with (
        Site.enrolled(centre, "restored.line-a") as first,
        Site.enrolled(centre, "restored.line-b") as second,
    ):
        for site in (first, second):
            site.run()
            site.mark_good()
            site.wait_delivered()
        stop_everything(centre)
        copy(centre, "pg", "backup")
        start_everything(centre)

        # After the backup: enough parts for another block each, which the backup does not know.
        for site in (first, second):
            for _ in range(BLOCK):
                site.mark_good()
            site.wait_delivered()
        second.stop()
        marked = {site.gateway: intents(site) for site in (first, second)}
        issued_before = blocks(centre)

        stop_everything(centre)
        copy(centre, "backup", "pg")
        embedded.start(centre.folder / "pg")
        assert blocks(centre) < issued_before
        centre.run("declare-restore")
        start_everything(centre)

        # The first sends again from there, and brings the plans that the backup has forgotten: what
        # is left of its numbers stays its own. No block comes before the second has reported.
        wait_for(
            "the first's parts in the register again",
            lambda: set(register(first)) == set(marked[first.gateway].values()),
            60,
        )
        ((issued,),) = centre.sql(
            "SELECT sum(upper(b.span) - lower(b.span)) FROM block b"
            " JOIN stream s ON s.id = b.stream WHERE s.gateway = %s",
            first.gateway,
        )
        for _ in range(int(issued) - len(intents(first))):
            first.mark_good()
        first.page.wait_why_not("numbers-used-up")
        centre.post(f"/api/v1/orders/{first.order_code}/pause", {"reason": "to see a new plan"})
        first.page.wait_why_not("order-held")
        centre.post(f"/api/v1/orders/{first.order_code}/resume", {"reason": "seen"})
        first.page.wait_why_not("numbers-used-up")
        assert centre.sql(
            "SELECT count(*) FROM block WHERE plan_incarnation ="
            " (SELECT value::bigint FROM setting WHERE name = 'incarnation')"
        ) == [(0,)]

        # What was marked under a plan that the register had forgotten counts.
        assert centre.sql("SELECT code FROM refusal WHERE resolved IS NULL") == []

        second.run()
        for site in (first, second):
            site.mark_good()
            site.wait_delivered()
        spent: dict[str, str] = {}
        for site in (first, second):
            metal, own = Metal.of(site), intents(site)
            assert_metal_is_single(metal)
            assert not spent.keys() & own.keys(), "two gateways spent one number"
            spent |= own
            assert set(metal.pieces) == set(own)
            assert register(site) == dict.fromkeys(own.values(), "good")
            assert site.page.latches == []
        reconcile(centre)


def test_a_restore_that_nobody_declared_is_proved_and_held(small_blocks: Centre) -> None:
    centre = small_blocks
    with Site.enrolled(centre, "undeclared.line") as site:
        site.run()
        site.mark_good()
        site.wait_delivered()
        stop_everything(centre)
        copy(centre, "pg", "backup")
        start_everything(centre)
        for _ in range(BLOCK):
            site.mark_good()
        site.wait_delivered()

        stop_everything(centre)
        copy(centre, "backup", "pg")
        start_everything(centre)
        held = "SELECT value FROM setting WHERE name = 'older'"
        wait_for("the proof", lambda: centre.sql(held), 60)

        def answers() -> int:
            with centre.http() as http:
                return http.get("/api/v1/orders").status_code

        wait_for("the hold", lambda: answers() == 503)
        before = len(register(site))
        assert before < len(intents(site)), "the backup forgot parts"
        centre.run("reconcile", expect=1)

        centre.run("declare-restore")
        wait_for("its end", lambda: answers() != 503)
        wait_for(
            "every part in the register again",
            lambda: set(register(site)) == set(intents(site).values()),
            60,
        )
        assert_metal_is_single(Metal.of(site))
        assert site.page.latches == []
        reconcile(centre)

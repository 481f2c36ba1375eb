"""Makes golden files: a scenario on the real programs, whose files on disk are kept.

The register has the content of `tests.support.shown`. One line has two epochs; in the second one it
loses its network and is stopped with an unknown outcome. One phone loses its network too.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from playwright.sync_api import sync_playwright

import central.config
import gateway.config
from central import keys
from gateway.contract.topics import topic
from gateway.identity import Identity
from tests.browser.phone import phone
from tests.crash.page import LEAD, OPERATOR
from tests.crash.site import STATION, Site, seed
from tests.golden import browser
from tests.golden.disks import (
    FOLDER,
    GATEWAY,
    PHONE,
    Golden,
    assert_read,
    assert_whole,
    copy_gateway,
    dump,
)
from tests.support.central import Centre
from tests.support.shown import register
from tests.support.store import Store
from tests.support.wait import wait_for

LICENSED_UNTIL = "2099-01-01T00:00:00Z"
ASKS = {"mode": "each", "first_piece": "approved-by-second"}
CRATE = "003456789012345670"
"""An SSCC, which a label carries with the application identifier 00 before it."""


def make(version: str) -> Golden:
    """Run the scenario, and write its golden files under that version."""
    golden = Golden(FOLDER / version)
    golden.central.mkdir(parents=True)
    _keep_configuration(golden)
    with register() as centre:
        centre.start("scans")
        seed(centre, valid_until=LICENSED_UNTIL)
        public: dict[str, str] = {
            key.use: key.public for key in keys.load_public(centre.folder / "keys")
        }
        with (
            Site.enrolled(centre, GATEWAY, cabled=True, verify=ASKS) as site,
            _listening(site, golden.signed),
        ):
            _first_epoch(site)
            _second_epoch(site)
            copy_gateway(site.folder, golden.gateway)
            public["batch"] = Identity.load(site.journal).key.public.hex()
        _scan(centre, golden.phone)
        _keep_central(centre, golden)
    (golden.signed / "keys.json").write_text(json.dumps(public, indent=1) + "\n")
    return golden


# --- the line -------------------------------------------------------------------------------


def _first_epoch(site: Site) -> None:
    """Write every type of record that a line writes, deliver all of it, then lose the guard."""
    site.run()
    site.page.wait_permitted()
    site.parts.load(STATION)
    site.page.press("trial")
    site.page.wait_rest(cycle=1)
    site.mark()
    _say_of_first_piece(site, approves=False)
    site.mark()
    _say_of_first_piece(site, approves=True)
    for _ in range(3):
        site.mark_good()
    site.at_device("reader", op="fault", name="covered")
    site.mark()
    site.see_to()
    _end_shift(site)
    site.stop()
    site.run(kill="cycle:after:Fire:1")
    site.see_to()
    site.page.wait_permitted()
    _break_off(site)
    site.run()
    site.see_to()
    site.mark_good()
    site.wait_delivered()
    site.stop()
    site.lose_guard()
    site.run()
    site.page.wait_why_not("rolled-back")
    site.stop()
    site.enrol("the guard was lost")


def _second_epoch(site: Site) -> None:
    """Mark two parts that are delivered, three that are not, and one with an unknown outcome."""
    site.run(kill="cycle:after:Fire:6")
    site.page.wait_permitted()
    site.mark()
    _say_of_first_piece(site, approves=True)
    site.mark_good()
    site.wait_delivered()
    site.cable.pull()
    for _ in range(2):
        site.mark_good()
    site.at_device("reader", op="fault", name="covered")
    site.mark()
    site.see_to()
    _break_off(site)
    site.run()
    assert site.page.wait_rest()["phase"] == "unknown"
    site.stop()


def _say_of_first_piece(site: Site, *, approves: bool) -> None:
    site.page.wait_why_not("first-piece")
    seq = int(site.page.view()["first"]["seq"])
    reason = "" if approves else "the mark is in the wrong place"
    site.page.say_of_first_piece(seq, LEAD, approves=approves, reason=reason)


def _end_shift(site: Site) -> None:
    shift = site.page.view()["shift"]
    counted = {"order": site.order_code, "good": 4, "aside": 1, "scrapped": 1}
    site.page.end_shift(int(shift["first"]), [counted], OPERATOR)


def _break_off(site: Site) -> None:
    """Begin the part at which the gateway is killed; its reader is covered."""
    site.at_device("reader", op="fault", name="covered")
    site.parts.load(STATION)
    site.begin()
    wait_for("the kill", site.died)


# --- the phone ------------------------------------------------------------------------------


def _scan(centre: Centre, path: Path) -> None:
    """Scan on a phone with and without a network, and save the browser's databases."""
    weapons = [code for (code,) in centre.sql("SELECT code FROM legacy ORDER BY line LIMIT 4")]
    with (
        tempfile.TemporaryDirectory() as own,
        sync_playwright() as playwright,
        phone(playwright, Store(centre, Path(own)), Path(own) / "profile") as handheld,
    ):
        browser.readable_keys(handheld.context)
        handheld.enrol(PHONE, "DEP.1")
        handheld.page.goto(f"{handheld.url}#/device")
        handheld.wedge("B-0042")
        handheld.open("count")
        handheld.wedge(*weapons[:2])
        handheld.counts(2)
        handheld.sent(PHONE)
        handheld.context.set_offline(True)
        handheld.wedge(weapons[2])
        handheld.counts(3)
        handheld.open("pack")
        handheld.wedge("00" + CRATE, *weapons[:3])
        handheld.counts(3)
        handheld.type(weapons[3])
        handheld.counts(4)
        browser.save(handheld.page, path)


# --- what is kept ---------------------------------------------------------------------------


@contextmanager
def _listening(site: Site, folder: Path) -> Iterator[None]:
    """Write the newest signed message of each kind that the line sends or receives."""
    folder.mkdir()
    kinds = {
        topic(site.gateway, "plan"): "plan",
        topic(site.gateway, "receipts"): "receipt",
        topic(site.gateway, "records"): "batch",
    }

    def keep(_client: Client, _data: object, message: MQTTMessage) -> None:
        (folder / kinds[message.topic]).write_bytes(bytes(message.payload))

    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.on_message = keep

    def connected(client: Client, *_: object) -> None:
        client.subscribe([(name, 1) for name in kinds])

    client.on_connect = connected
    client.connect("127.0.0.1", site.centre.broker.port)
    client.loop_start()
    try:
        yield
    finally:
        client.disconnect()
        client.loop_stop()


def _keep_central(centre: Centre, golden: Golden) -> None:
    """Stop the programs, so that the dump and the guard agree; then keep both and the keys."""
    for name in list(centre.programs):
        centre.stop(name)
    dump(centre, golden.dump)
    for name in ("keys", "guard"):
        shutil.copytree(centre.folder / name, golden.central / name)


def _keep_configuration(golden: Golden) -> None:
    """Keep both configurations; fails if they lack a key that this version knows."""
    shutil.copytree(FOLDER / "configuration", golden.configuration)
    for name, load in (("central", central.config.load), ("gateway", gateway.config.load)):
        path = golden.configuration / f"{name}.toml"
        assert_read(path, load(path))
        assert_whole(load(path))

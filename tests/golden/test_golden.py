"""This version opens the golden files of every version."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

import central.config
import gateway.config
from central import db, keys
from central.reconcile.rebuild import rebuild
from gateway import inspection
from gateway.contract.batch import decode_batch
from gateway.contract.plan import decode_plan
from gateway.contract.receipt import decode_receipt
from gateway.contract.record import FromBlock, Intent, Record, decode_record
from gateway.contract.signed import key_id
from gateway.guard import GuardFile
from gateway.identity import Identity, stored_plan
from gateway.ledger import Ledger
from gateway.store import epoch_of, open_journal
from tests.browser.conftest import chromium, playwright  # noqa: F401 - fixtures
from tests.browser.phone import borrowed
from tests.crash.agreement import Metal, assert_metal_is_single, balance, intents
from tests.crash.site import STATION
from tests.golden import browser
from tests.golden.disks import (
    GATEWAY,
    PHONE,
    Golden,
    assert_read,
    copy_gateway,
    released,
    restored_centre,
    restored_site,
)
from tests.support.central import Centre
from tests.support.registry import PASSWORD
from tests.support.store import Store

WRITTEN_BY_GATEWAYS = {
    *("opened", "accepted", "trial", "intent", "marked", "verified", "settled", "observed"),
    *("latched", "unlatched"),
}
HELD = (
    *("account", "alert", "article", "block", "consignment", "counts", "entity", "event"),
    *("exclusion", "inspection", "item", "legacy", "licence", "orders", "product", "scan"),
)
"""Tables that are not empty."""


@pytest.fixture(scope="module", params=released(), ids=lambda golden: golden.version)
def golden(request: pytest.FixtureRequest) -> Golden:
    found: Golden = request.param
    return found


@pytest.fixture(scope="module")
def centre(golden: Golden) -> Iterator[Centre]:
    with restored_centre(golden) as restored:
        yield restored


@pytest.fixture
def copied(golden: Golden, tmp_path: Path) -> Path:
    copy_gateway(golden.gateway, tmp_path)
    return tmp_path


def test_both_configurations_are_read(golden: Golden) -> None:
    for name, load in (("central", central.config.load), ("gateway", gateway.config.load)):
        path = golden.configuration / f"{name}.toml"
        assert_read(path, load(path))


def test_signed_messages_are_verified(golden: Golden) -> None:
    public = {
        kind: bytes.fromhex(text)
        for kind, text in json.loads((golden.signed / "keys.json").read_text()).items()
    }
    by_id = {kind: {key_id(key): key}.get for kind, key in public.items()}
    plan = decode_plan((golden.signed / "plan").read_bytes(), by_id["plan"])
    receipt = decode_receipt((golden.signed / "receipt").read_bytes(), by_id["receipt"])
    batch = decode_batch((golden.signed / "batch").read_bytes())
    batch.signed.verify(by_id["batch"])
    assert {plan.gateway, receipt.gateway, batch.header.gateway} == {GATEWAY}
    assert plan.orders
    assert receipt.committed == batch.header.last
    assert receipt.head == batch.header.head
    assert len(batch.check()) == batch.header.last - batch.header.first + 1


def test_journals_are_whole_and_folded(copied: Path) -> None:
    types: Counter[str] = Counter()
    for path in sorted((copied / "journal").glob("epoch-*.db")):
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            bodies = db.execute("SELECT body FROM record ORDER BY seq").fetchall()
        records: list[Record] = [decode_record(bytes(body)) for (body,) in bodies]
        types.update(record.type for record in records)
        ledger = Ledger(GATEWAY, epoch_of(path))
        for record in records:
            ledger.apply(record)
        numbers = [
            mark.source.number
            for record in records
            if isinstance(record, Intent)
            for mark in record.marks
            if isinstance(mark.source, FromBlock)
        ]
        assert max(ledger.used.values()) == max(numbers)
        with closing(open_journal(path, writable=False)) as journal:
            plan = stored_plan(journal, Identity.load(path))
        assert plan is not None
        assert ledger.accepted == (plan.incarnation, plan.version)
    assert ledger.unknown.keys() == {STATION}, "the newest journal ends with an unknown outcome"
    assert types.keys() >= WRITTEN_BY_GATEWAYS
    newest = copied / "journal" / "epoch-0002.db"
    with closing(open_journal(newest, writable=True)) as journal:
        # The journal names its guard's path, which is another one in the copy.
        journal.set_meta("guard", GuardFile(copied / "guard" / "guard").name)
    report = inspection.verify(newest)
    assert report.good, report


@pytest.mark.slow
def test_a_line_goes_on_where_it_stopped(golden: Golden, centre: Centre) -> None:
    """The undelivered part arrives once, an unknown outcome is settled, and a part is marked."""
    delivered = _items(centre)
    with restored_site(golden, centre) as site:
        spent = intents(site)
        assert delivered < set(spent.values()), "some records are undelivered"
        site.run()
        assert site.page.wait_rest()["phase"] == "unknown"
        site.page.settle("accepted", "the mark is there")
        site.wait_delivered()
        assert _items(centre) == set(spent.values())
        line = site.mark_good()
        site.wait_delivered()
        now = intents(site)
        (new,) = now.keys() - spent.keys()
        assert line in new
        metal = Metal.of(site)
        assert_metal_is_single(metal)
        assert metal.pieces.keys() == {new}
        assert _items(centre) == set(now.values())
        assert site.page.latches == []
        assert site.verify()["good"]


@pytest.mark.slow
@pytest.mark.needs_browser
def test_a_phone_sends_what_it_kept(
    golden: Golden,
    centre: Centre,
    chromium: Browser,  # noqa: F811
    tmp_path: Path,
) -> None:
    saved = json.loads(golden.phone.read_text())
    (stores,) = [each["stores"] for each in saved if each["name"] == "gjurma"]
    items = {store["name"]: store["items"] for store in stores}
    lines = [record["line"] for _, record in items["records"]]
    ((_, device),) = items["device"]
    with borrowed(chromium, Store(centre, tmp_path)) as phone:
        browser.load(phone.page, f"{phone.url}golden", golden.phone)
        phone.open()
        judged = phone.sent(PHONE)
        assert phone.kept() == lines
    assert device["committed"] < len(lines), "some scans are undelivered"
    assert [(seq, verdict) for seq, _, verdict in judged] == [
        (seq, "ok") for seq in range(2, len(lines) + 1)
    ]


@pytest.mark.slow
def test_the_register_balances_and_is_rebuilt(centre: Centre) -> None:
    """Runs after the line and the phone have delivered. The administrator's password is valid."""
    assert balance(centre)["balanced"]
    config = central.config.load(centre.folder / "central.toml")
    engine = db.owner_engine(config)
    with engine.connect() as connection, connection.begin() as transaction:
        assert not rebuild(connection, keys.load_public(config.keys.dir)).differences
        transaction.rollback()
    engine.dispose()
    account = {"account": "administrator", "password": PASSWORD}
    signed_in = httpx.post(f"{centre.url}/api/v1/sessions", json=account, timeout=30)
    assert signed_in.status_code == 201, signed_in.text
    for table in HELD:
        assert centre.sql(f"SELECT count(*) FROM {table}") != [(0,)], table


def _items(centre: Centre) -> set[str]:
    """Return the UIIs of the line's items in the register; none is there twice."""
    rows = centre.sql("SELECT uii FROM item WHERE order_code = %s", f"X-{GATEWAY}")
    found = [uii for (uii,) in rows]
    assert len(set(found)) == len(found)
    return set(found)

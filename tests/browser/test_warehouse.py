"""The warehouse app on the real programs: each task, without a network, and where it goes wrong."""

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Playwright, Route, expect

from simulators import broker
from simulators.demo.processes import Child
from tests.browser.conftest import ARGUMENTS, SignIn
from tests.browser.phone import Phone, borrowed, camera, phone, video
from tests.needs import find_program
from tests.register.telling import UII, Told, accept
from tests.support.store import Store, opened, symbol
from tests.support.wait import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.needs_browser]
PALLET, CRATE = "003456789012345670", "003456789012345687"
"""SSCCs, which a label carries with the application identifier 00 before them."""
BATCHES = "**/api/v1/batches"


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The whole browser: the headless shell cannot install an app."""
    found = playwright.chromium.launch(executable_path=find_program("chromium"), args=ARGUMENTS)
    yield found
    found.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with opened(tmp_path_factory.mktemp("devices")) as made:
        centre = made.centre
        centre.post("/api/v1/entities", {"code": "DEP", "name": "Depoja Qendrore"})
        site = {"code": "DEP.Q", "kind": "site", "entity": "DEP", "name": "Depoja"}
        centre.post("/api/v1/places", site)
        centre.add_licence("L-DEP", "DEP", activities=["trade"])
        accept(centre, *(UII.format(index) for index in range(1, 60)))
        yield made


@pytest.fixture
def handheld(chromium: Browser, store: Store) -> Iterator[Phone]:
    with borrowed(chromium, store) as made:
        yield made


def events(store: Store, name: str) -> list[tuple[Any, ...]]:
    """kind, articles, place and package of what its scans became, in their order."""
    return store.centre.sql(
        "SELECT what, payload->'articles', payload->>'place', payload->>'package'"
        " FROM act WHERE subject = 'event' AND key LIKE %s"
        " ORDER BY split_part(key, '/', 3)::int",
        f"{name}/%",
    )


def test_an_officers_qr_code_enrols_a_phone(
    store: Store, signed_in: SignIn, handheld: Phone, tmp_path: Path
) -> None:
    name = "gramsh.qr-1"
    store.centre.post("/api/v1/devices", {"name": name, "place": "UMG.D1"})
    with signed_in(store.centre, "registry-officer") as desk:
        desk.goto(f"{store.centre.url}/devices/{name}?do=invite")
        desk.locator("main form button[type=submit]").last.click()
        expect(desk.locator("svg.qr")).to_be_visible()
        desk.locator("svg.qr").screenshot(path=tmp_path / "qr.png")
    (read,) = zxingcpp.read_barcodes(Image.open(tmp_path / "qr.png"))
    assert read.text.startswith(f"{store.centre.url}/warehouse/#enrol={name},")
    handheld.page.goto(read.text)
    expect(handheld.page.get_by_text(name)).to_be_visible()
    handheld.button("Regjistro").click()
    expect(handheld.page.locator(".w-top h1")).to_have_text("UMG.D1")
    assert "#enrol" not in handheld.page.url, "the code stays in no history"
    handheld.link("Të gjitha u dërguan")
    handheld.page.goto("about:blank")
    handheld.page.goto(read.text)
    handheld.button("Regjistro").click()
    expect(handheld.page.get_by_role("alert")).to_contain_text("nuk e pranon këtë kod")
    assert len(handheld.kept()) == 1, "a refused code takes nothing away"


def test_each_task_becomes_its_event(store: Store, handheld: Phone) -> None:
    name = "gramsh.tasks-1"
    handheld.enrol(name)
    handheld.open("put-away")
    handheld.says("Skanoni vendin")
    handheld.wedge(symbol(1))
    handheld.says("Jo")
    handheld.wedge("UMG.D1", symbol(1), symbol(2))
    handheld.counts(2)
    handheld.says("U ruajt")
    handheld.wedge(symbol(2))
    handheld.says("Jo")
    expect(handheld.page.locator(".w-sentence")).to_contain_text("Nuk numërohet dy herë")
    expect(handheld.page.locator(".w-told")).to_have_class(re.compile("g-attention"))
    handheld.counts(2)
    handheld.open("move")
    handheld.wedge("UMG.D2")
    handheld.type(UII.format(1))
    handheld.counts(1)
    handheld.open("pack")
    handheld.says("Skanoni paketimin")
    handheld.wedge("00" + PALLET, "00" + PALLET, symbol(2), symbol(3))
    handheld.counts(2)
    handheld.open("unpack")
    handheld.wedge(PALLET, symbol(3))
    handheld.counts(1)
    handheld.open("count")
    handheld.wedge(PALLET)
    handheld.counts(1)
    handheld.sent(name)
    handheld.open("find")
    handheld.wedge(symbol(1))
    expect(handheld.page.locator(".g-facts")).to_contain_text(UII.format(1))
    expect(handheld.page.locator(".g-facts")).to_contain_text("UMG.D2")
    told = handheld.sent(name)
    assert {verdict for _, _, verdict in told} == {"ok"}
    assert events(store, name) == [
        ("stored", [UII.format(1)], "UMG.D1", None),
        ("stored", [UII.format(2)], "UMG.D1", None),
        ("moved", [UII.format(1)], "UMG.D2", None),
        ("packed", [UII.format(2)], "UMG.D1", PALLET),
        ("packed", [UII.format(3)], "UMG.D1", PALLET),
        ("unpacked", [UII.format(3)], "UMG.D1", PALLET),
        ("seen", [PALLET], "UMG.D1", None),
        ("seen", [UII.format(1)], "UMG.D1", None),
    ]
    lines = [json.loads(line) for line in handheld.kept()]
    assert [(each.get("entry"), each.get("wedge")) for each in lines[1:4]] == [
        ("keyed", True),
        ("keyed", True),
        ("keyed", False),
    ], "the register is told which way a code came"


@pytest.mark.long
def test_a_bays_paper_is_what_is_scanned_there(store: Store, handheld: Phone) -> None:
    with store.centre.browser() as officer:
        printed = officer.get("/places/UMG.D2?do=print&lang=sq")
    (sheet,) = pypdfium2.PdfDocument(printed.content)
    (read,) = zxingcpp.read_barcodes(sheet.render(scale=3).to_pil())
    handheld.enrol("gramsh.paper-1")
    handheld.open("move")
    handheld.wedge(read.text)
    handheld.says("Vendi")
    expect(handheld.page.locator("#setting-place")).to_have_value("UMG.D2")


@pytest.mark.long
def test_a_consignment_is_dispatched_and_received(
    chromium: Browser, store: Store, handheld: Phone
) -> None:
    weapons = [UII.format(10), UII.format(11)]
    now = datetime.now(UTC)
    store.centre.post(
        "/api/v1/consignments",
        {
            "number": "C-10",
            "direction": "domestic",
            "sender": "UMG",
            "recipient": "DEP",
            "planned_dispatch": (now + timedelta(hours=1)).isoformat(),
            "planned_arrival": (now + timedelta(hours=9)).isoformat(),
            "articles": weapons,
        },
    )
    handheld.enrol("gramsh.out-1")
    handheld.open("dispatch")
    handheld.wedge(symbol(10))
    expect(handheld.page.locator(".w-sentence")).to_have_text("Skanoni më parë dërgesën.")
    handheld.wedge("C-10", symbol(10), symbol(11))
    handheld.counts(2)
    handheld.sent("gramsh.out-1")
    handheld.wedge(symbol(9))
    handheld.says("Ndal")
    expect(handheld.page.locator(".w-sentence")).to_contain_text("nuk është në listën e dërgesës")
    expect(handheld.page.locator(".w-told")).to_have_class(re.compile("g-bad"))
    assert store.centre.get("/api/v1/consignments/C-10")["state"] == "dispatched"
    with borrowed(chromium, store) as other:
        other.enrol("depo.in-1", "DEP.Q")
        other.open("receive")
        other.page.locator("#setting-consignment").select_option("C-10")
        other.wedge(symbol(10), symbol(11))
        other.counts(2)
        other.sent("depo.in-1")
    consignment = store.centre.get("/api/v1/consignments/C-10")
    assert consignment["counts"]["received"] == 2


@pytest.mark.parametrize("scans", [20, pytest.param(1_000, marks=pytest.mark.long)])
def test_scans_offline_are_each_in_the_register_once(
    playwright: Playwright, store: Store, tmp_path: Path, scans: int
) -> None:
    """The tab closed in between, the phone restarted, the connection cut twice while it syncs."""
    name, profile = f"gramsh.count-{scans}", tmp_path / "profile"
    codes = [f"T{scans}-{number:05}" for number in range(scans)]
    closed, restarted = scans * 4 // 10, scans * 7 // 10
    with phone(playwright, store, profile) as first:
        first.enrol(name)
        first.open("count")
        first.context.set_offline(True)
        first.wedge(*codes[:closed])
        first.counts(closed)
        first.link(f"Pa rrjet, {closed} skanime presin")
        first.close_window()
        first.open("count")
        first.counts(closed)
        first.wedge(codes[0], *codes[closed:restarted])
        first.counts(restarted)
    with phone(playwright, store, profile) as again:
        again.context.set_offline(True)
        again.open("count")
        again.counts(restarted)
        again.wedge(*codes[restarted:])
        again.counts(scans)
        cuts: list[str] = []

        def cut(route: Route) -> None:
            """The first is lost on its way there, the second on its way back."""
            cuts.append("cut")
            if len(cuts) == 2:
                route.fetch()
            if len(cuts) <= 2:
                route.abort("connectionreset")
            else:
                route.continue_()

        again.context.route(BATCHES, cut)
        again.context.set_offline(False)
        again.link("Të gjitha u dërguan")
        assert len(cuts) > 2
        told = again.sent(name)
        lines = again.kept()
    assert [json.loads(line)["codes"] for line in lines[1:]] == [[code] for code in codes]
    assert [seq for seq, _, _ in told] == list(range(2, scans + 2))
    assert [articles for _, articles, _, _ in events(store, name)] == [[code] for code in codes]
    assert store.centre.sql("SELECT 1 FROM evidence WHERE gateway = %s", name) == []


@pytest.mark.long
def test_who_made_a_disputed_scan_is_shown_it(store: Store, handheld: Phone) -> None:
    handheld.enrol("gramsh.wrong-1")
    handheld.page.goto(f"{handheld.url}#/device")
    handheld.wedge("B-0042")
    expect(handheld.page.get_by_text("Jeni futur me distinktivin")).to_be_visible()
    Told(store.centre)("lost", UII.format(20), reason="not at its place")
    handheld.open("move")
    handheld.wedge("UMG.D2", symbol(20))
    handheld.counts(1)
    handheld.sent("gramsh.wrong-1")
    handheld.open()
    expect(handheld.page.locator(".w-unseen")).to_have_text("Regjistri konteston 1 skanim")
    handheld.page.locator(".w-unseen").click()
    card = handheld.page.locator(".w-disputes > li")
    expect(card).to_contain_text("skanuar nga ju")
    expect(card).to_contain_text("kjo nuk mund t'i ketë ndodhur")
    handheld.button("E pashë").click()
    handheld.open()
    expect(handheld.page.locator(".w-unseen")).to_have_count(0)


@pytest.mark.long
def test_two_phones_receive_the_same_pallet(
    chromium: Browser, store: Store, handheld: Phone
) -> None:
    Told(store.centre)("packed", UII.format(30), package=CRATE)
    told = {}
    with borrowed(chromium, store) as other:
        for each, name in ((handheld, "gramsh.two-1"), (other, "gramsh.two-2")):
            each.enrol(name)
            each.open("put-away")
            each.context.set_offline(True)
            each.wedge("UMG.D1" if each is handheld else "UMG.D2", "00" + CRATE)
            each.counts(1)
        for each, name in ((handheld, "gramsh.two-1"), (other, "gramsh.two-2")):
            each.context.set_offline(False)
            told[name] = each.sent(name)
    stored = store.centre.sql(
        "SELECT what FROM event e JOIN event_article a ON a.event = e.number"
        " WHERE a.article = %s AND what = 'stored'",
        CRATE,
    )
    assert len(stored) == 2, "both say what they saw; neither is lost"


@pytest.mark.long
def test_a_full_disk_is_said_and_loses_nothing(store: Store, handheld: Phone) -> None:
    handheld.enrol("gramsh.full-1")
    handheld.open("count")
    handheld.wedge("T-FULL-1")
    handheld.counts(1)
    limits = handheld.context.new_cdp_session(handheld.page)
    origin = {"origin": store.centre.url}
    limits.send("Storage.overrideQuotaForOrigin", origin | {"quotaSize": 1})
    tried = count(2)

    def is_full() -> bool:
        """The browser looks at what is left only now and then."""
        handheld.wedge(f"T-FULL-{next(tried)}")
        handheld.page.wait_for_timeout(500)
        return handheld.page.locator(".w-word").text_content() == "Nuk u ruajt"

    wait_for("a full disk", is_full, 120)
    handheld.wedge("UMG.D2")
    expect(handheld.page.locator("#setting-place")).to_have_value("UMG.D2")
    last = f"T-FULL-{next(tried) - 1}"
    kept = len(handheld.kept())
    assert last not in "".join(handheld.kept())
    handheld.counts(kept - 1)
    limits.send("Storage.overrideQuotaForOrigin", origin)

    def is_kept() -> bool:
        handheld.wedge(last)
        handheld.page.wait_for_timeout(500)
        return last in handheld.kept()[-1]

    wait_for("room again", is_kept, 120)
    handheld.counts(kept)
    told = handheld.sent("gramsh.full-1")
    assert [seq for seq, _, _ in told] == list(range(2, kept + 2)), "no number is left out"


@pytest.mark.long
def test_letters_choose_nothing_from_a_list(handheld: Phone) -> None:
    """Somebody chose a place, and the list has the focus yet: what is scanned then is no choice."""
    handheld.enrol("gramsh.list-1")
    handheld.open("put-away")
    places = handheld.page.locator("#setting-place")
    places.select_option("UMG.D1")
    places.focus()
    handheld.page.keyboard.type("UMG.D2")
    expect(places).to_have_value("UMG.D1")
    places.focus()
    handheld.wedge(symbol(21))
    handheld.counts(1)
    expect(places).to_have_value("UMG.D1")
    button = handheld.button("Përdor kamerën")
    button.focus()
    handheld.wedge("A CODE WITH SPACES")
    handheld.counts(2)
    expect(button).to_be_visible()


@pytest.mark.long
def test_a_link_on_a_living_phone_asks_first(store: Store, handheld: Phone) -> None:
    handheld.enrol("gramsh.first-1")
    handheld.open("count")
    handheld.context.set_offline(True)
    handheld.wedge("T-FIRST-1")
    handheld.counts(1)
    handheld.context.set_offline(False)
    store.centre.post("/api/v1/devices", {"name": "gramsh.second-1", "place": "UMG.D1"})
    link = f"{handheld.url}#enrol=gramsh.second-1,{store.code('gramsh.second-1')}"
    handheld.page.goto("about:blank")
    handheld.page.goto(link)
    expect(handheld.page.locator(".g-notice")).to_contain_text("gramsh.first-1")
    handheld.button("Lëre siç është").click()
    expect(handheld.page.locator(".w-tasks")).to_be_visible()
    assert len(handheld.sent("gramsh.first-1")) == 1


@pytest.mark.long
def test_a_device_that_was_enrolled_elsewhere_keeps_nothing_more(
    store: Store, handheld: Phone
) -> None:
    name = "gramsh.replaced-1"
    handheld.enrol(name)
    handheld.open("count")
    store.enrol(name, store.folder / "replaced", "another phone")
    handheld.wedge("T-REPLACED-1")
    expect(handheld.page.get_by_role("alert")).to_contain_text("Kjo pajisje ka mbaruar")
    handheld.wedge("T-REPLACED-2")
    handheld.page.goto(f"{handheld.url}#/device")
    expect(handheld.page.get_by_role("link", name="Ruaje si skedar")).to_be_visible()
    # The first may have been kept before the device knew.
    assert not any("T-REPLACED-2" in line for line in handheld.kept())


@pytest.mark.long
def test_a_wiped_phone_is_a_new_device(store: Store, handheld: Phone) -> None:
    name = "gramsh.wiped-1"
    handheld.enrol(name)
    handheld.open("count")
    handheld.wedge("T-WIPED-1")
    handheld.counts(1)
    handheld.sent(name)
    cdp = handheld.context.new_cdp_session(handheld.page)
    wiped = {"origin": store.centre.url, "storageTypes": "all"}
    cdp.send("Storage.clearDataForOrigin", wiped)
    handheld.page.goto("about:blank")
    handheld.page.goto(handheld.url)
    expect(handheld.page.get_by_role("heading")).to_have_text("Regjistroni këtë pajisje")
    handheld.enrol(name, known=True)
    handheld.open("count")
    handheld.wedge("T-WIPED-2")
    handheld.counts(1)
    assert [seq for seq, _, _ in handheld.sent(name, epoch=2)] == [2]
    assert len(handheld.kept()) == 2


@pytest.mark.long
def test_a_phone_that_was_set_back_ends_and_keeps_what_was_not_sent(
    store: Store, handheld: Phone, tmp_path: Path
) -> None:
    name = "gramsh.back-1"
    handheld.enrol(name)
    handheld.open("count")
    handheld.wedge("T-BACK-1", "T-BACK-2")
    handheld.counts(2)
    handheld.sent(name)
    # As a backup that is put back would leave it: the last records are gone.
    handheld.page.evaluate(
        """() => new Promise((tell) => {
          const asked = indexedDB.open("gjurma");
          asked.onsuccess = () => {
            const change = asked.result.transaction(["records", "device"], "readwrite");
            change.objectStore("records").delete(3);
            change.objectStore("records").delete(2);
            const devices = change.objectStore("device");
            devices.get("device").onsuccess = ({ target }) => {
              const { origin } = target.result;
              const before = { committed: 0, checkpoint: { seq: 0, head: origin } };
              devices.put({ ...target.result, ...before }, "device");
            };
            change.oncomplete = () => { asked.result.close(); tell(); };
          };
        })"""
    )
    handheld.close_window()
    handheld.open()
    expect(handheld.page.get_by_role("alert")).to_contain_text("Kjo pajisje ka mbaruar")
    handheld.button("Regjistroje rishtas").click()
    handheld.enrol(name, known=True)
    handheld.page.goto(f"{handheld.url}#/device")
    with handheld.page.expect_download() as saving:
        handheld.page.get_by_role("link", name="Ruaje si skedar").click()
    saving.value.save_as(tmp_path / "saved.jsonl")
    (line,) = (tmp_path / "saved.jsonl").read_text().splitlines()
    saved = json.loads(line)
    assert (saved["gateway"], saved["epoch"]) == (name, 1)
    assert json.loads(saved["record"])["type"] == "opened"


# The newest record that the register has is another one here: as in one of two copies of a phone.
CHANGED = """() => new Promise((tell) => {
  const asked = indexedDB.open("gjurma");
  asked.onsuccess = () => {
    const change = asked.result.transaction("records", "readwrite");
    const records = change.objectStore("records");
    records.get(3).onsuccess = ({ target: { result } }) =>
      records.put({ ...result, line: result.line.replace("T-FORK-2", "T-FORK-X") });
    change.oncomplete = () => { asked.result.close(); tell(); };
  };
})"""


@pytest.mark.long
def test_a_copy_that_went_its_own_way_ends_and_moves_nothing(store: Store, handheld: Phone) -> None:
    name = "gramsh.fork-1"
    handheld.enrol(name)
    handheld.open("count")
    handheld.wedge("T-FORK-1", "T-FORK-2")
    handheld.counts(2)
    handheld.sent(name)
    handheld.page.evaluate(CHANGED)
    handheld.close_window()
    handheld.open()
    expect(handheld.page.get_by_role("alert")).to_contain_text("ka një kopje të saj")
    committed = "SELECT committed, state FROM stream WHERE gateway = %s"
    assert store.centre.sql(committed, name) == [(3, "forked")]
    found = store.centre.sql("SELECT payload->'articles' FROM act WHERE key = %s", f"{name}/1/3")
    assert found == [(["T-FORK-2"],)], "what the register had stays as it was"


@pytest.mark.long
def test_what_a_restored_register_may_have_lost_stays_on_the_phone(
    store: Store, handheld: Phone, tmp_path: Path
) -> None:
    name = "gramsh.restored-1"
    handheld.enrol(name)
    handheld.open("count")
    handheld.wedge("T-RESTORED-1", "T-RESTORED-2")
    handheld.counts(2)
    handheld.sent(name)
    store.centre.sql(
        "UPDATE setting SET value = (value::bigint + 1)::text WHERE name = 'incarnation'"
        " RETURNING value"
    )
    # It knows the phone's epoch no more, so that it never says what it still has.
    handheld.context.route(BATCHES, lambda route: route.abort("connectionreset"))
    handheld.enrol(name, known=True)
    handheld.page.goto(f"{handheld.url}#/device")
    with handheld.page.expect_download() as saving:
        handheld.page.get_by_role("link", name="Ruaje si skedar").click()
    saving.value.save_as(tmp_path / "saved.jsonl")
    kept = (tmp_path / "saved.jsonl").read_text().splitlines()
    records = [json.loads(json.loads(line)["record"]) for line in kept]
    assert [record.get("codes") for record in records] == [None, ["T-RESTORED-1"], ["T-RESTORED-2"]]


def test_one_window_at_a_time_is_the_device(handheld: Phone) -> None:
    handheld.enrol("gramsh.windows-1")
    second = handheld.context.new_page()
    second.goto(handheld.url)
    expect(second.locator("#app")).to_contain_text("i hapur në një dritare tjetër")
    handheld.page.close()
    expect(second.locator(".w-tasks")).to_be_visible()


@pytest.mark.long
def test_it_speaks_both_languages(handheld: Phone) -> None:
    handheld.enrol("gramsh.english-1")
    handheld.page.goto(f"{handheld.url}#/device")
    handheld.button("English").click()
    expect(handheld.page.get_by_role("heading", level=1)).to_have_text("This device")
    handheld.open("put-away")
    handheld.says("Scan the place")
    expect(handheld.page.locator("html")).to_have_attribute("lang", "en")
    handheld.close_window()
    handheld.open()
    expect(handheld.page.locator(".w-tasks")).to_contain_text(re.compile("Put away.*Dispatch"))


@pytest.mark.long
def test_the_camera_reads_a_mark(playwright: Playwright, store: Store, tmp_path: Path) -> None:
    seen = video(tmp_path / "mark.y4m", symbol(40))
    with phone(playwright, store, tmp_path / "profile", *camera(seen)) as made:
        made.enrol("gramsh.camera-1")
        made.open("put-away")
        made.wedge("UMG.D1")
        made.button("Përdor kamerën").click()
        made.says("U ruajt")
        made.button("Ndal kamerën").click()
        made.counts(1)
        assert [verdict for *_, verdict in made.sent("gramsh.camera-1")] == ["ok"]
        record = json.loads(made.kept()[-1])
        assert (record["codes"], record["entry"]) == ([symbol(40)], "device")
        assert record["symbologies"] == ["]d1"]


@pytest.mark.long
def test_a_camera_that_may_not_be_used_says_what_to_do(handheld: Phone) -> None:
    handheld.enrol("gramsh.camera-2")
    handheld.open("find")
    handheld.button("Përdor kamerën").click()
    expect(handheld.page.get_by_role("alert")).to_contain_text("kamer")


def test_it_can_be_installed(handheld: Phone) -> None:
    handheld.enrol("gramsh.installed-1")
    cdp = handheld.context.new_cdp_session(handheld.page)
    told = cdp.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # Of a profile of its own, as a phone's is, nothing else is said.
    assert [each["errorId"] for each in told] == ["in-incognito"]


LOOK_FOR_NEWER = "navigator.serviceWorker.ready.then((known) => known.update()).catch(() => null)"
# What `serve` is after an upgrade: a file of the app is another, and so the version.
UPGRADED = """
import sys
from central.screens.warehouse import shell
shell._version = lambda: "newer"
from central.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.long
def test_a_new_version_is_taken_when_somebody_agrees(store: Store, handheld: Phone) -> None:
    centre = store.centre
    handheld.enrol("gramsh.version-1")
    handheld.open("count")
    handheld.wedge("T-VERSION-1")
    handheld.counts(1)
    centre.stop("serve")
    where = ["--config", str(centre.folder / "central.toml")]
    command = [sys.executable, "-c", UPGRADED, "serve", *where]
    upgraded = Child("upgraded", command, centre.folder / "upgraded.log")
    upgraded.start()
    try:
        upgraded.wait_until(lambda: broker.answers(centre.http_port))
        handheld.open()
        newer_one = handheld.button("Ka një version të ri. Përdoreni tani")

        def is_offered() -> bool:
            """A browser looks at each visit; one that came too early finds it the next time."""
            handheld.page.evaluate(LOOK_FOR_NEWER)
            handheld.page.wait_for_timeout(1_000)
            return newer_one.is_visible()

        wait_for("a newer version", is_offered)
        with handheld.page.expect_event("load"):
            newer_one.click()
        newer = ["gjurma-newer"]
        wait_for("its files", lambda: handheld.page.evaluate("caches.keys()") == newer)
        handheld.open("count")
        handheld.counts(1)
    finally:
        upgraded.end()
        centre.start("serve")

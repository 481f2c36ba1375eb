"""The registry's live page in a real browser, fed over the real broker by real programs."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from central.screens.words import visible
from gateway.contract.record import Unlatched
from gateway.contract.topics import State
from tests.browser.conftest import SignIn
from tests.support.central import Centre
from tests.support.peer import Peer

pytestmark = [pytest.mark.slow, pytest.mark.needs_browser]
GATEWAY, ORDER = "gramsh.line-1", "G-1"
# Notes when each (serial, state) first stood in the table, by the page's own clock.
WATCH = """() => {
  window.loads = (window.loads ?? 0) + 1;
  window.shown = {};
  const body = document.querySelector("#marks tbody");
  new MutationObserver(() => {
    for (const row of body.children) {
      const key = `${row.querySelector(".serial")?.textContent} ${row.dataset.state}`;
      window.shown[key] ??= Date.now() / 1000;
    }
  }).observe(body, { childList: true, subtree: true, attributes: true });
}"""


@dataclass
class Line:
    """A centre, and a gateway's side of the wire with a plan in force."""

    centre: Centre
    peer: Peer
    plan: Any

    def mark(self, number: int) -> int:
        """Publish an intent for a number; returns its seq once it is committed."""
        journal = self.peer.journal
        seq = journal.intent(
            journal.mark(self.plan, ORDER, number), operator="op-4", operator_auth="badge"
        )
        self.peer.deliver()
        return seq

    def read(self, intent: int, verdict: str = "good") -> None:
        self.peer.journal.marked(intent)
        self.peer.journal.verified(intent, verdict)
        self.peer.deliver()

    def approve(self, intent: int) -> None:
        """The shift lead approves the first piece of the order."""
        journal = self.peer.journal
        said = {"latch": "first-piece", "reason": "", "witnesses": ("lead-1",)}
        of = journal.ref(intent)
        journal.write(Unlatched(**journal.common(operator="lead-1", of=of, position=1, **said)))
        self.peer.deliver()

    def received(self) -> float:
        """When the register took in the newest batch: before its commit."""
        ((when,),) = self.centre.sql("SELECT received FROM batch ORDER BY id DESC LIMIT 1")
        assert isinstance(when, datetime)
        return when.timestamp()


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    with Centre.started(block_size=2000) as centre:
        centre.standard(GATEWAY, order=ORDER)
        peer = Peer(centre, GATEWAY)
        peer.enroll()
        plan = peer.wait_plan(ORDER)
        peer.journal.accept(plan)
        peer.deliver()
        peer.state(plan)
        yield Line(centre, peer, plan)
        peer.disconnect()


@pytest.fixture
def page(line: Line, signed_in: SignIn) -> Iterator[Page]:
    """The live page, to somebody far away."""
    with signed_in(line.centre, "registry-officer", timezone_id="Asia/Tokyo") as page:
        page.goto(line.centre.url)
        expect(page.locator("#link")).to_have_attribute("data-state", "live")
        yield page


def row(page: Page, serial: str) -> Any:
    return page.locator("#marks tbody tr").filter(has_text=serial)


def test_a_mark_appears_within_a_second_and_changes_in_its_place(line: Line, page: Page) -> None:
    page.evaluate(WATCH)
    intent = line.mark(1)
    expect(row(page, "G000001").locator(".state")).to_have_text("E hapur")
    assert page.evaluate("shown['G000001 open']") - line.received() < 1.0
    page.evaluate("document.querySelector('#marks tbody tr').dataset.same = 'yes'")
    line.read(intent)
    expect(row(page, "G000001").locator(".state")).to_have_text("E mirë")
    assert page.evaluate("shown['G000001 good']") - line.received() < 1.0
    expect(row(page, "G000001")).to_have_attribute("data-same", "yes")
    expect(row(page, "G000001")).to_have_count(1)
    expect(row(page, "G000001")).to_contain_text(GATEWAY)
    line.read(line.mark(2), "unreadable")
    expect(row(page, "G000002").locator(".state")).to_have_text("E refuzuar")
    expect(page.locator("#marks tbody tr").first).to_contain_text("G000002")
    expect(page.locator(".order-count b")).to_have_text("1")
    assert page.evaluate("window.loads") == 1


@pytest.mark.long
def test_the_page_outlives_the_server_and_shows_what_came_meanwhile(line: Line, page: Page) -> None:
    page.evaluate(WATCH)
    line.mark(10)
    expect(row(page, "G000010")).to_be_visible()
    line.centre.stop("serve", 9)
    notice = page.locator("#notice")
    expect(notice).to_contain_text("Lidhja me serverin u ndërpre")
    expect(row(page, "G000010")).to_be_visible()
    line.read(line.mark(11))
    line.centre.start("serve")
    expect(row(page, "G000011").locator(".state")).to_have_text("E mirë", timeout=10_000)
    expect(notice).to_be_hidden()
    expect(page.locator("#link")).to_have_attribute("data-state", "live")
    line.mark(12)
    expect(row(page, "G000012")).to_be_visible()
    assert page.evaluate("window.loads") == 1  # never loaded anew


def test_a_latch_and_an_offline_gateway_are_said_in_words(line: Line, page: Page) -> None:
    card = page.locator(f'[data-gateway="{GATEWAY}"]')
    line.peer.state(line.plan)
    expect(card).to_contain_text("në lidhje")
    line.peer.state(line.plan, online=False)
    expect(card).to_contain_text("jashtë lidhjes")
    state = State(
        epoch=line.peer.journal.epoch,
        boot=str(line.peer.journal.boot),
        online=True,
        seq=line.peer.journal.seq + 7,
        latches=("rolled-back", "unknown-outcome:station-1"),
    )
    line.peer.publish(state.line(), "state")
    expect(card.locator(".latch")).to_contain_text(
        ["Ditari është kthyer pas", "rezultat të panjohur"]
    )
    expect(card).to_contain_text("Në pritje7")
    line.peer.state(line.plan)
    expect(card.locator(".latch")).to_have_count(0)


def test_a_closed_line_is_told_with_its_order(line: Line, page: Page) -> None:
    place = {"entity": "UMG", "name": "Gramsh"}
    line.centre.post("/api/v1/places", place | {"code": "GR", "kind": "site"})
    line.centre.post("/api/v1/places", place | {"code": "L1", "kind": "line", "parent": "GR"})
    why = {"reason": "flooded"}
    line.centre.post("/api/v1/places/L1/gateway", {"gateway": GATEWAY, **why})
    told = page.locator("article").filter(has_text=ORDER).locator(".why")
    expect(told).to_have_count(0)
    line.centre.post("/api/v1/places/GR/deactivate", why)
    expect(told).to_have_text(f"{GATEWAY}: Linja është mbyllur")
    line.centre.post("/api/v1/places/GR/reactivate", why)
    expect(told).to_have_count(0)


def test_the_keyboard_leads_to_the_life_of_an_item_which_stays_live(line: Line, page: Page) -> None:
    intent = line.mark(20)
    expect(row(page, "G000020")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("G000020")
    page.keyboard.press("Enter")
    page.wait_for_url("**/items/DA7G1HM70G000020")
    expect(page.locator(".entry")).to_have_count(1)
    page.locator("summary").first.click()
    line.read(intent)
    line.approve(intent)
    expect(page.locator(".entry")).to_have_count(4)
    expect(page.locator(".entry h3").last).to_have_text("Pjesa e parë u miratua")
    expect(page.locator(".components .state")).to_have_text("E mirë")
    expect(page.locator("details[open]")).to_have_count(1)
    expect(page.locator(".holds.no")).to_have_count(0)
    page.get_by_role("link", name="EN", exact=True).click()
    expect(page.locator(".components .state")).to_have_text("Good")


@pytest.mark.long
def test_a_mark_is_drawn_as_it_was_engraved_and_proved_anew(line: Line, page: Page) -> None:
    """A decoder reads the drawing; a byte that was changed in the database fails the step that it
    breaks."""
    intent = line.mark(25)
    line.read(intent)
    page.goto(f"{line.centre.url}/items/DA7G1HM70G000025")
    drawn = page.locator(".engraved svg").first
    expect(drawn.locator("text")).to_have_text("G000025")
    (seen,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(page.screenshot())))
    assert visible(seen.bytes.decode()) == page.locator(".engraved code").inner_text()
    page.get_by_role("link", name="L-1").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("L-1")
    page.go_back()
    page.locator("summary", has_text="Prova").first.click()
    page.get_by_role("link", name="Provoje sërish").first.click()
    steps = page.locator(".steps > li")
    expect(steps).to_have_count(8)
    expect(page.locator('[data-outcome="fails"]')).to_have_count(0)
    changed = (
        "UPDATE batch SET body = overlay(body PLACING %s FROM position('op-4'::bytea IN body))"
        " WHERE id = (SELECT b.id FROM batch b JOIN stream s ON s.id = b.stream"
        " WHERE s.gateway = %s AND b.first <= %s AND b.last >= %s)"
    )
    line.centre.sql(changed, b"op-5", GATEWAY, intent, intent)
    page.get_by_role("button", name="Llogarite sërish").click()
    failed = page.locator('[data-outcome="fails"]')
    expect(failed).to_have_count(1)
    expect(failed).to_have_attribute("data-step", "chained")
    expect(failed).to_contain_text("të paktën një bajt është ndryshuar")
    back = changed.replace("'op-4'", "'op-5'")
    line.centre.sql(back, b"op-4", GATEWAY, intent, intent)
    page.get_by_role("button", name="Llogarite sërish").click()
    expect(failed).to_have_count(0)


@pytest.mark.long
def test_a_thing_leads_to_what_it_lies_in_and_its_dispute_is_settled(
    line: Line, page: Page
) -> None:
    centre = line.centre
    line.read(line.mark(26))
    line.read(line.mark(27))
    item, crate = "DA7G1HM70G000026", "359999000000000011"
    articles = {"articles": [item, "DA7G1HM70G000027"]}
    place = {"entity": "UMG", "name": "Depo", "kind": "site", "code": "DP"}
    centre.post("/api/v1/places", place)

    def told(number: str, what: str, **more: Any) -> None:
        at = {"happened": datetime.now(UTC).isoformat(), "place": "DP"}
        centre.post("/api/v1/events", {"number": number, "what": what, **at, **articles, **more})

    told("E-1", "packed", package=crate)
    told("E-2", "unpacked", articles=[item], package="359999000000000028")
    page.goto(f"{centre.url}/search?q={item}")
    page.get_by_role("link", name=crate).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(crate)
    page.get_by_text("Çfarë ka brenda").click()
    page.get_by_role("link", name="G000026").click()
    expect(page.locator(".entry.refused")).to_have_count(1)
    page.get_by_role("link", name="Zgjidh kontestimin").click()
    page.get_by_label("Gjendja e artikullit").select_option("in-store")
    page.get_by_label("Mbajtësi").fill("UMG")
    page.get_by_label("Vendi").fill("DP")
    page.get_by_label("Arsyeja").fill("është këtu, i plotë")
    page.get_by_role("button", name="Vendos").click()
    expect(page.get_by_role("heading", name="Kontestimi u zgjidh")).to_be_visible()
    query = "SELECT disputed, disposition, place, package FROM article WHERE code = %s"
    assert centre.sql(query, item) == [(False, "in-store", "DP", None)]


def test_a_state_can_be_shown_alone(line: Line, page: Page) -> None:
    line.read(line.mark(30), "unreadable")
    line.read(line.mark(31))
    page.locator(".term[data-term=rejected]").click()
    expect(row(page, "G000031")).to_have_count(0)
    expect(row(page, "G000030")).to_be_visible()
    line.read(line.mark(32), "mismatch")
    line.read(line.mark(33))
    expect(row(page, "G000032")).to_be_visible()
    expect(row(page, "G000033")).to_have_count(0)
    page.locator("#unfilter").click()
    expect(row(page, "G000033")).to_be_visible()


def test_times_are_tirana_s(line: Line, page: Page) -> None:
    line.mark(40)
    shown = row(page, "G000040").locator("td").last.locator("div").first.inner_text()
    at = line.centre.get("/api/v1/marks?limit=1")["items"][0]["at"]
    ((local,),) = line.centre.sql(
        "SELECT to_char(%s::timestamptz AT TIME ZONE 'Europe/Tirane', 'HH24:MI:SS')", at
    )
    assert shown == local


@pytest.mark.long
def test_the_last_minute_and_hour_are_the_register_s(line: Line, page: Page) -> None:
    line.mark(50)
    rate, hour = page.locator("#rate"), page.locator("#pace-totals")
    expect(rate).to_have_text(re.compile(r"^[1-9][0-9]* në minutën e fundit$"))
    page.reload()
    expect(rate).to_have_text(re.compile(r"^[1-9][0-9]* në minutën e fundit$"))
    expect(page.locator("#pace-lines .u-legend")).to_contain_text(GATEWAY)
    ((marks,),) = line.centre.sql("SELECT count(*) FROM claim")
    expect(hour).to_contain_text(f"{marks} shënjime")
    line.centre.sql("UPDATE batch SET received = received - interval '2 minutes'")
    expect(rate).to_have_text("")


def test_what_needs_a_person_is_shown_until_somebody_resolves_it(line: Line, page: Page) -> None:
    alerts = page.locator("#alerts")
    expect(alerts).to_be_hidden()
    line.mark(51)
    line.mark(51)  # a number that is spent
    line.centre.start("watch")
    expect(alerts).to_contain_text("Një numër u shënjua dy herë", timeout=30_000)
    told = alerts.get_by_role("link", name=re.compile(r"^Të gjitha alarmet e hapura: [1-9]"))
    told.click()
    expect(page.locator("main tbody tr")).not_to_have_count(0)
    line.centre.stop("watch")  # a later look may have raised more: now nothing is added any more
    found = line.centre.get("/api/v1/alerts?open=true")["items"]
    page.reload()
    expect(page.locator("main tbody tr")).to_have_count(len(found))
    page.goto(line.centre.url)
    count = alerts.get_by_role("link", name=f"Të gjitha alarmet e hapura: {len(found)}")
    expect(count).to_be_visible()
    for alert in found:
        line.centre.post(f"/api/v1/alerts/{alert['number']}/resolve", {"reason": "a test"})
    expect(alerts).to_be_hidden(timeout=30_000)


@pytest.mark.long
def test_of_thousands_at_once_the_page_shows_a_sample_and_says_so(line: Line, page: Page) -> None:
    """And its counts are of all, and each row that it shows is true."""
    many = 2000
    line.centre.add_order("G-2", GATEWAY, quantity=many)
    plan = line.peer.wait_plan("G-2")
    journal = line.peer.journal
    journal.accept(plan)
    (block,) = [each for each in plan.blocks if each.order == "G-2"]
    for number in range(block.start, block.start + many):
        intent = journal.intent(journal.mark(plan, "G-2", number))
        journal.marked(intent)
        journal.verified(intent, "good" if number % 10 else "unreadable")
    line.peer.deliver()
    page.wait_for_function(
        "() => /^shfaqet 1 nga [0-9]+;/.test(document.getElementById('sampled').textContent)"
    )
    assert page.locator("#marks tbody tr").count() <= 100
    order = page.locator("article").filter(has_text="G-2")
    expect(order.locator(".order-count b")).to_have_text("1\u202f800", timeout=30_000)
    ((good, rejected),) = line.centre.sql(
        "SELECT count(*) FILTER (WHERE state = 'good'),"
        " count(*) FILTER (WHERE state = 'rejected') FROM item"
    )
    for term, count in (("good", good), ("rejected", rejected)):
        told = f"{count:,}".replace(",", "\u202f")
        expect(page.locator(f".term[data-term={term}] b")).to_have_text(told, timeout=30_000)
    ((marks,),) = line.centre.sql("SELECT count(*) FROM claim")
    told = f"{marks:,}".replace(",", "\u202f")
    # The whole hour is counted anew each minute only, and a test has moved what was received.
    expect(page.locator("#pace-totals")).to_contain_text(f"{told} shënjime", timeout=90_000)
    expect(page.locator("#sampled")).to_be_hidden(timeout=30_000)
    rows = page.locator("#marks tbody tr")
    assert rows.count() == 100
    shown = rows.evaluate_all(
        "all => all.map((each) => [Number(each.dataset.id), each.dataset.state])"
    )
    held = dict(line.centre.sql("SELECT id, state FROM item"))
    assert [(id_, state) for id_, state in shown if held[id_] != state] == []


@pytest.mark.long
def test_the_desks_are_one_row_that_opens_by_key_and_without_a_script(
    line: Line, page: Page
) -> None:
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.locator(".g-nav").evaluate("nav => nav.offsetHeight") < 60
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    group = page.locator(".g-nav summary").filter(has_text="Magazina")
    stock = page.get_by_role("link", name="Gjendja", exact=True)
    expect(stock).to_be_hidden()
    group.focus()
    page.keyboard.press("Enter")
    expect(stock).to_be_visible()
    page.keyboard.press("Escape")
    expect(stock).to_be_hidden()
    expect(group).to_be_focused()
    for key in ("Enter", "Tab", "Tab", "Tab", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url("**/stock")
    expect(group).to_have_attribute("aria-current", "true")
    expect(page.locator('.g-nav [aria-current="page"]')).to_have_text("Gjendja")

    assert page.context.browser is not None
    plain = page.context.browser.new_context(java_script_enabled=False, has_touch=True)
    plain.add_cookies([line.centre.cookie()])
    bare = plain.new_page()
    bare.goto(line.centre.url)
    bare.locator(".g-nav summary").filter(has_text="Magazina").tap()
    bare.get_by_role("link", name="Gjendja", exact=True).tap()
    bare.wait_for_url("**/stock")
    plain.close()


def test_a_search_that_finds_nothing_says_so(line: Line, page: Page) -> None:
    page.goto(f"{line.centre.url}/search?q=nonsense")
    expect(page.locator("h1")).to_have_text("Nuk u gjet asgjë për nonsense")
    page.goto(f"{line.centre.url}/search?q=nonsense&lang=en")
    expect(page.locator("h1")).to_have_text("Nothing found for nonsense")
    expect(page.locator(".nothing")).to_contain_text("Licences, entities, places")


@pytest.mark.parametrize("width", [1280, 1440])
@pytest.mark.long
def test_who_is_shown_in_full(line: Line, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    journal = line.peer.journal
    journal.intent(
        journal.mark(line.plan, ORDER, 60 + width // 1440),
        operator="polican-operator",
        operator_auth="pin",
    )
    line.peer.deliver()
    who = page.locator("#marks td.who > div").filter(has_text="polican-operator").first
    expect(who).to_be_visible()
    assert who.evaluate("each => each.scrollWidth <= each.clientWidth")


@pytest.mark.long
def test_why_a_record_was_refused_is_told_in_the_reader_s_language(line: Line, page: Page) -> None:
    line.read(line.mark(41))
    line.read(line.mark(41))
    alone = "G000041 (trupi) ishte pohuar më parë"
    expect(page.locator("#attention")).to_contain_text(alone)
    page.locator("#attention li").filter(has_text=alone).get_by_role("link").click()
    why = page.locator("dt", has_text="Pse u refuzua").locator("+ dd")
    expect(why).to_contain_text(alone)
    page.goto(line.centre.url + "/refusals")
    expect(page.locator("main tbody")).to_contain_text(alone)
    page.goto(line.centre.url + "/refusals?lang=en")
    expect(page.locator("main tbody")).to_contain_text("G000041 (receiver) was claimed before")
    kept = line.centre.get("/api/v1/refusals")["items"][0]
    assert kept["detail"].endswith("was claimed before")
    assert alone in kept["told"]["sq"]

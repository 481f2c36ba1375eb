"""The registry's desks in a real browser: a licence is suspended, and its line stops."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from central.api.limit import LARGEST_FILE
from central.screens.uploads import AROUND
from gateway.contract.record import Unlatched
from gateway.contract.topics import State
from tests.browser.conftest import SignIn
from tests.register.imported import PLANTED, VECTORS
from tests.support.central import Centre
from tests.support.peer import Peer
from tests.support.registry import SECOND
from tests.support.wait import wait_for

AGAIN = """async ([path, body]) => {
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  return (await fetch(path, { method: "POST", headers, body })).status;
}"""
pytestmark = [pytest.mark.slow, pytest.mark.needs_browser]


@pytest.fixture(scope="module")
def centre() -> Iterator[Centre]:
    with Centre.started("plan", "ingest-1", "serve") as found:
        found.standard()
        found.post("/api/v1/entities", {"code": "DEP", "name": "Depoja Qendrore"})
        yield found


def acts(centre: Centre, subject: str, key: str) -> list[tuple[Any, ...]]:
    query = "SELECT what, reason FROM act WHERE subject = %s AND key = %s ORDER BY id"
    return centre.sql(query, subject, key)


def test_an_officer_suspends_a_licence_and_its_line_stops(
    centre: Centre,
    signed_in: SignIn,
) -> None:
    line = Peer(centre, "gramsh.line-1")
    line.enroll()
    line.accept("G-1")
    with signed_in(centre, "registry-officer") as page:
        page.goto(centre.url + "/licences")
        page.get_by_label("Gjendja").select_option("active")
        page.get_by_role("button", name="Filtro").click()
        page.get_by_role("link", name="L-1").click()
        page.get_by_role("link", name="Pezullo").click()
        expect(page.get_by_text("brenda dy sekondash")).to_be_visible()

        # Without a reason nothing happens, and the page says where one is missing.
        page.get_by_role("button", name="Pezullo").click()
        reason = page.get_by_label("Arsyeja")
        expect(reason).to_have_attribute("aria-invalid", "true")
        page.get_by_role("link", name="Arsyeja: Plotësojeni këtë.").click()
        expect(reason).to_be_focused()
        reason.fill("defekt në magazinë")
        sent = page.evaluate(
            'new URLSearchParams(new FormData(document.querySelector("main form"))).toString()'
        )
        page.get_by_role("button", name="Pezullo").click()

        expect(page.get_by_role("heading", level=1)).to_contain_text("e pezulluar")
        done = page.get_by_role("listitem").filter(has_text="U pezullua")
        expect(done).to_contain_text("defekt në magazinë")
        expect(page.get_by_role("link", name="Rikthe")).to_be_visible()

        # The same form once more, as a second press sends it: it was done, and is not done again.
        again = page.evaluate(AGAIN, ["/licences/L-1?do=suspend", sent])
        assert again == 200
    assert acts(centre, "licence", "L-1") == [("issued", ""), ("suspended", "defekt në magazinë")]
    line.wait_plan("G-1", "suspended")
    line.disconnect()


def test_an_order_is_drafted_with_what_it_asks_for_and_no_more(
    centre: Centre, signed_in: SignIn
) -> None:
    """What its product says of template and components is not asked for again."""
    centre.add_licence("L-DRAFTS", "UMG")
    with signed_in(centre, "registry-officer") as page:
        page.goto(centre.url + "/orders?do=new")
        page.get_by_label("Kodi", exact=True).fill("G-FIRST")
        page.get_by_label("Produkti", exact=True).fill("M70")
        page.get_by_label("Sasia", exact=True).fill("5")
        page.get_by_label("Portat").fill("gramsh.line-1")
        page.get_by_label("Puna në pajisje", exact=True).first.fill("0007")
        page.get_by_label("Pjesa e parë").select_option(
            label="e miraton një person i dytë para pjesës tjetër"
        )
        page.get_by_role("button", name="Harto porosi").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("G-FIRST")
        page.get_by_role("link", name="Lësho").click()
        page.get_by_label("Arsyeja").fill("plani i nëntorit")
        page.get_by_role("button", name="Lësho").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("e lëshuar")


def approved_first(centre: Centre) -> Peer:
    """An order of two gateways, of which one has marked its first piece, which was approved."""
    names = ("berat.line-1", "berat.line-2")
    line, other = (Peer(centre, name) for name in names)
    line.enroll()
    other.enroll()
    other.disconnect()
    verify = {"mode": "sample", "every": 5, "first_piece": "approved-by-second"}
    order = {"code": "G-LOOKED", "product": "M70", "quantity": 10, "gateways": names, "job": "0042"}
    centre.post("/api/v1/orders", order | {"verify": verify})
    centre.post("/api/v1/orders/G-LOOKED/release", {"reason": "plani"})
    line.accept("G-LOOKED")
    journal, intent = line.journal, line.good(1)
    said = {"latch": "first-piece", "reason": "e lexueshme", "witnesses": ("berat-lead",)}
    of = journal.ref(intent)
    journal.write(Unlatched(**journal.common(operator="berat-lead", of=of, position=1, **said)))
    line.deliver()
    return line


def test_an_order_s_page_says_what_is_engraved_and_how_it_is_looked_at(
    centre: Centre, signed_in: SignIn
) -> None:
    """To who may not change a product too. What its template says is drawn."""
    line = approved_first(centre)
    with signed_in(centre, "auditor") as page:
        page.goto(centre.url + "/orders/G-LOOKED")
        facts = page.locator(".desk-body")
        expect(facts.locator("dt", has_text="Puna në pajisje").locator("+ dd")).to_have_text("0042")
        verified = page.get_by_role("region", name="Verifikimi")
        expect(verified).to_contain_text("një pjesë nga disa")
        expect(verified.locator("dt", has_text="Lexohet një në çdo").locator("+ dd")).to_have_text(
            "5"
        )
        expect(verified).to_contain_text("e miraton një person i dytë para pjesës tjetër")
        template = page.get_by_role("region", name="Shablloni")
        expect(template).to_contain_text("S{serial}‹GS›20P{component}‹RS›‹EOT›")
        drawn = page.get_by_role("region", name="Çfarë gdhendet").get_by_role("figure")
        expect(drawn).to_have_count(1)
        expect(drawn.locator("svg path").first).to_be_attached()
        expect(drawn).to_contain_text("trupi")
        expect(drawn).to_contain_text("UII DA7G1HM70")
        pieces = page.get_by_role("region", name="Pjesët e para").locator("tbody tr")
        expect(pieces).to_have_count(2)
        for text in ("berat.line-1", "trupi", "e miratuar", "berat-lead", "e lexueshme"):
            expect(pieces.first).to_contain_text(text)
        for text in ("berat.line-2", "trupi", "pritet"):
            expect(pieces.last).to_contain_text(text)
        page.goto(centre.url + "/orders/G-LOOKED?lang=en")
        verified = page.get_by_role("region", name="Verification")
        expect(verified).to_contain_text("a second person approves it before the next one")
        expect(page.get_by_role("region", name="First pieces")).to_contain_text("approved")
    line.disconnect()


@pytest.mark.long
def test_findings_answer_the_checklist_line_by_line(centre: Centre, signed_in: SignIn) -> None:
    with signed_in(centre, "inspector") as page:
        page.goto(centre.url + "/inspections?do=new")
        page.get_by_label("Numri").fill("INS-1")
        page.get_by_label("Subjekti").fill("DEP")
        page.get_by_label("Planifikuar për").fill("26.11.2026 14:30")
        page.get_by_label("Inspektorët").fill("Teuta Marku")
        page.get_by_label("Lista e kontrollit").fill("dyert\nregjistri\nçelësat")
        page.get_by_role("button", name="Planifiko inspektim").click()
        page.get_by_role("link", name="Fillo").click()
        page.get_by_label("Arsyeja").fill("sipas planit")
        page.get_by_role("button", name="Fillo").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("i filluar")
        page.goto(centre.url + "/inspections/INS-1?do=find")
        for line, result in (("dyert", "në rregull"), ("çelësat", "nuk zbatohet")):
            row = page.get_by_role("group", name=line, exact=True)
            row.get_by_label("Rezultati").select_option(label=result)
        page.get_by_role("button", name="Shëno gjetjet").click()
        expect(page.get_by_role("alert")).to_be_visible()  # of one line nothing is said
        row = page.get_by_role("group", name="regjistri", exact=True)
        row.get_by_label("Rezultati").select_option(label="defekt")
        page.get_by_role("button", name="Shëno gjetjet").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("me gjetje")
    told = centre.get("/api/v1/inspections/INS-1")["checklist"]
    assert [each["result"] for each in told] == ["ok", "fault", "not-applicable"]


def proposals(page: Page) -> Locator:
    """Their desk in the navigation, with how many wait for who looks."""
    return page.get_by_role("navigation", name="Sportelet").get_by_role("link", name="Propozimet")


def test_a_second_person_confirms_a_revocation_and_the_same_person_cannot(
    centre: Centre, signed_in: SignIn
) -> None:
    centre.add_licence("L-2", "UMG")
    with signed_in(centre, "registry-officer") as page:
        page.goto(centre.url + "/licences/L-2")
        page.get_by_role("link", name="Revoko").click()
        expect(page.get_by_text("kur ta konfirmojë një person i dytë")).to_be_visible()
        page.get_by_label("Arsyeja").fill("deklarime të rreme")
        page.get_by_role("button", name="Revoko").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Propozimi")
        expect(page.get_by_text("Pret një person tjetër")).to_be_visible()
        steps = page.get_by_role("navigation", name="Çfarë mund të bëhet").get_by_role("link")
        expect(steps).to_have_text(["Tërhiq"])
        expect(proposals(page)).to_have_text("Propozimet")
        # Nor by an address that no page of theirs holds.
        page.goto(page.url + "?do=confirm")
        page.get_by_role("button", name="Konfirmo").click()
        expect(page.get_by_role("alert")).to_contain_text("Vendos një person tjetër")
    assert centre.get("/api/v1/licences/L-2")["state"] == "active"

    with signed_in(centre, "registry-officer", name=SECOND) as page:
        page.goto(centre.url + "/licences/L-2")
        expect(page.get_by_text("Një propozim pret një person të dytë")).to_be_visible()
        expect(proposals(page)).to_have_text("Propozimet 1")
        proposals(page).click()
        page.get_by_role("row").filter(has_text="L-2").get_by_role("link").click()
        expect(page.get_by_text("Pret fjalën tuaj")).to_be_visible()
        expect(page.get_by_text("deklarime të rreme").first).to_be_visible()
        page.get_by_role("link", name="Konfirmo").click()
        page.get_by_role("button", name="Konfirmo").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("i konfirmuar")
        expect(proposals(page)).to_have_text("Propozimet")
        page.get_by_role("link", name="L-2").first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("e revokuar")
        done = page.get_by_role("listitem").filter(has_text="U revokua")
        expect(done).to_contain_text("registry-officer · konfirmuar nga second-officer")
    assert acts(centre, "licence", "L-2") == [("issued", ""), ("revoked", "deklarime të rreme")]


def test_what_changed_meanwhile_is_not_written_over(centre: Centre, signed_in: SignIn) -> None:
    with signed_in(centre, "registry-officer") as page:
        page.goto(centre.url + "/entities/DEP?do=amend&lang=en")
        expect(page.get_by_label("Name", exact=True)).to_have_value("Depoja Qendrore")
        body = {"name": "Depoja e Re", "reason": "it moved"}
        centre.post("/api/v1/entities/DEP/amend", body)
        page.get_by_label("Name", exact=True).fill("Depoja Tjetër")
        page.get_by_label("Reason").fill("a mistake")
        page.get_by_role("button", name="Amend").click()
        expect(page.get_by_role("alert")).to_contain_text("It has changed since")
        expect(page.get_by_label("Name", exact=True)).to_have_value("Depoja Tjetër")
    assert centre.get("/api/v1/entities/DEP")["name"] == "Depoja e Re"


@pytest.mark.long
def test_a_form_sends_what_was_changed_in_it_and_nothing_else(
    centre: Centre, signed_in: SignIn
) -> None:
    """The product has an order, which fixes what is marked: whoever amends it leaves that alone."""
    before = centre.get("/api/v1/products/M70")
    with signed_in(centre, "registry-officer") as page:
        page.goto(centre.url + "/products/M70?do=amend&lang=en")
        page.get_by_label("Reason").fill("looked through")
        page.get_by_role("button", name="Amend").click()
        expect(page.get_by_role("alert")).to_contain_text("name what is to change")
        page.get_by_label("NSN").fill("1005-25-131-3034")
        page.get_by_role("button", name="Amend").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("active")
    after = centre.get("/api/v1/products/M70")
    assert {name for name in after if after[name] != before[name]} == {"version", "nsn"}


def test_each_sees_what_is_theirs_and_may_do_what_is_theirs(
    centre: Centre,
    signed_in: SignIn,
) -> None:
    with signed_in(centre, "auditor") as page:
        page.goto(centre.url + "/licences/L-1")
        expect(page.get_by_role("heading", level=1)).to_contain_text("L-1")
        expect(page.get_by_role("navigation", name="Çfarë mund të bëhet")).to_have_count(0)
        response = page.goto(centre.url + "/licences/L-1?do=revoke")
        assert response is not None
        expect(page.get_by_label("Arsyeja")).to_have_count(0)
    with signed_in(centre, "producer-officer", "DEP") as page:
        page.goto(centre.url + "/licences")
        expect(page.get_by_text("Këtu nuk ka ende asgjë.")).to_be_visible()
        response = page.goto(centre.url + "/licences/L-1")
        assert response is not None
        assert response.status == 404


@pytest.mark.long
def test_a_list_is_sorted_by_its_heads_and_stays_so(centre: Centre, signed_in: SignIn) -> None:
    centre.post("/api/v1/entities", {"code": "ZZ", "name": "Armë Berat"})
    with signed_in(centre, "registry-officer", scripts=False) as page:
        page.goto(centre.url + "/entities")
        head = page.get_by_role("columnheader", name="Emri")
        codes = page.locator("tbody th")
        expect(page.get_by_role("columnheader", name="Kodi")).to_have_attribute(
            "aria-sort", "ascending"
        )
        expect(codes.last).to_have_text("ZZ")
        head.get_by_role("link").click()
        expect(head).to_have_attribute("aria-sort", "ascending")
        expect(codes.first).to_have_text("ZZ")
        head.get_by_role("link").click()
        expect(head).to_have_attribute("aria-sort", "descending")
        page.get_by_label("Gjendja").select_option("active")
        page.get_by_role("button", name="Filtro").click()
        expect(head).to_have_attribute("aria-sort", "descending")
        expect(codes.last).to_have_text("ZZ")
        path = page.get_by_role("link", name="CSV").get_attribute("href")
    told = centre.look(str(path)).text.splitlines()
    assert ",ZZ," in told[-1]


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.long
def test_a_product_is_drawn_while_its_template_is_written(
    centre: Centre, signed_in: SignIn, scripts: bool
) -> None:
    """The drawing follows what is written, and what is wrong stands beside the field; where no
    script runs, by a button. Nothing is entered by it."""
    before = centre.get("/api/v1/products")
    with signed_in(centre, "registry-officer", scripts=scripts) as page:

        def written() -> None:
            if not scripts:
                page.get_by_role("button", name="Shihe paraprakisht").click()

        page.goto(centre.url + "/products?do=new")
        for label, value in (("Kodi", "T-1"), ("Subjekti", "UMG"), ("Modeli", "T")):
            page.get_by_label(label, exact=True).fill(value)
        page.get_by_label("Emri").first.fill("receiver")
        content = page.get_by_label("Përmbajtja e simbolit")
        content.fill("[)>‹RS›06‹GS›17VA7G1H‹GS›1PT‹GS›S{serial}‹RS›‹EOT›")
        page.get_by_label("Rreshtat e tekstit").fill("{serial}")
        page.get_by_label("Parashtesa e numrit").fill("T")
        written()
        sketch = page.locator("#sketch")
        expect(sketch.get_by_text("DA7G1HTT000001")).to_be_visible()
        expect(sketch.locator("svg text")).to_have_text("T000001")
        content.fill("[)>‹RS›06‹GS›17VA7G1H‹GS›1PT‹RS›‹EOT›")
        written()
        fault = page.locator('[id="w-template.content"]')
        expect(fault).to_be_visible()
        expect(fault).to_contain_text("duhet të mbajë {serial}")
        expect(content).to_have_value("[)>‹RS›06‹GS›17VA7G1H‹GS›1PT‹RS›‹EOT›")
        content.fill("[)>‹RS›06‹GS›17VA7G1H‹GS›1PT2‹GS›S{serial}‹RS›‹EOT›")
        written()
        expect(sketch.get_by_text("DA7G1HT2T000001")).to_be_visible()
        expect(fault).to_be_hidden()
    assert centre.get("/api/v1/products") == before


@pytest.mark.long
def test_a_gateway_is_enrolled_by_the_code_of_its_page_and_its_latch_is_told(
    centre: Centre,
    signed_in: SignIn,
) -> None:
    line = Peer(centre, "berat.line-9")
    with signed_in(centre, "registry-officer") as page:
        page.goto(centre.url + "/gateways")
        page.get_by_role("link", name="Fto").click()
        page.get_by_label("Porta").fill("berat.line-9")
        page.get_by_role("button", name="Fto").click()
        code = page.locator("dt", has_text="Kodi").locator("xpath=following-sibling::dd[1]")
        line.enroll(code.inner_text().strip())
        line.deliver()
        boot, epoch = str(line.journal.boot), line.journal.epoch
        latched = State(epoch=epoch, boot=boot, online=True, seq=4, latches=("rolled-back",))
        line.publish(latched.line(), "state")
        wait_for("the latch", lambda: centre.get("/api/v1/gateways/berat.line-9")["latches"])
        page.goto(centre.url + "/gateways/berat.line-9")
        notice = page.locator(".g-notice")
        expect(notice).to_contain_text("Ditari i portës është kthyer pas")
        expect(notice).to_contain_text("E mbyll vetëm një regjistrim i ri")
        expect(page.get_by_role("region", name="Çelësat")).to_contain_text(line.journal.key.id)
        page.get_by_role("link", name="Regjistroje sërish").click()
        expect(page.get_by_label("Porta")).to_have_value("berat.line-9")
    line.disconnect()


@pytest.mark.long
def test_a_certificate_names_its_document_which_stays_where_it_is(
    centre: Centre, signed_in: SignIn, tmp_path: Path
) -> None:
    """Nobody types a digest: it is worked out of the document that is chosen. Times are written as
    the pages show them, and what is no time is said beside its field."""
    document = tmp_path / "miratim.pdf"
    document.write_bytes(b"%PDF-1.7 miratim tipi")
    with signed_in(centre, "registry-officer") as page:
        page.goto(centre.url + "/certificates?do=new")
        page.get_by_label("Numri").fill("TA-2026-7")
        page.get_by_label("Lloji").select_option("type-approval")
        page.get_by_label("Rezultati").select_option("passed")
        page.get_by_label("Institucioni").fill("Ministria e Mbrojtjes")
        page.get_by_label("Produkti").fill("M70")
        page.get_by_label("U lëshua").fill("3.4.2026")
        page.get_by_label("Zgjidh skedarin").set_input_files(document)
        expect(page.locator(".g-file-name")).to_have_text("miratim.pdf")
        digest = hashlib.sha256(document.read_bytes()).hexdigest()
        expect(page.get_by_label("Dokumenti (SHA-256)")).to_have_value(digest)
        page.get_by_role("button", name="Regjistro").click()
        expect(page.locator(".g-field.g-invalid")).to_contain_text("si 26.11.2026 14:30")
        page.get_by_label("U lëshua").fill("3.4.2026 9:05")
        page.get_by_role("button", name="Regjistro").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("TA-2026-7")
        expect(page.locator("main")).to_contain_text("03.04.2026 09:05")
    told = centre.get("/api/v1/certificates/TA-2026-7")
    assert (told["document"], told["issued"]) == (digest, "2026-04-03T07:05:00Z")


@pytest.mark.long
def test_a_number_in_doubt_is_given_back_by_who_has_looked(
    centre: Centre, signed_in: SignIn
) -> None:
    line = Peer(centre, "vlore.line-1")
    line.enroll()
    stream = "(SELECT id FROM stream WHERE gateway = 'vlore.line-1')"
    centre.sql(
        "INSERT INTO doubt (order_code, space, number, component, stream, at, reason)"
        f" VALUES ('G-1', 'UMG.M70', 77, 'barrel', {stream}, now(), '')"
    )
    with signed_in(centre, "registry-officer") as page:
        page.goto(centre.url + "/orders/G-1")
        page.get_by_role("link", name="Numrat në dyshim").click()
        expect(page.get_by_role("region", name="Numrat në dyshim")).to_contain_text("vlore.line-1")
        page.get_by_role("button", name="Lejo shënjimin").click()
        expect(page.get_by_label("Arsyeja")).to_have_attribute("aria-invalid", "true")
        page.get_by_label("Arsyeja").fill("pa tytë në punishte")
        page.get_by_role("button", name="Lejo shënjimin").click()
        expect(page.get_by_text("Asnjë numër i kësaj porosie")).to_be_visible()
    assert acts(centre, "number", "G-1/77") == [("given back", "pa tytë në punishte")]
    line.disconnect()


def test_what_went_wrong_is_said_where_the_answer_was_to_stand(
    centre: Centre, signed_in: SignIn, tmp_path: Path
) -> None:
    """A script asks for a part of a page: neither a fault nor the sign-in comes into it unseen."""
    with signed_in(centre, "registry-officer") as page:
        page.goto(centre.url + "/uploads/imports")
        large = tmp_path / "large.csv"
        large.write_bytes(b"x" * (LARGEST_FILE + AROUND + 1))
        page.get_by_label("Skedari").set_input_files(large)
        page.get_by_role("button", name="Provoje").click()
        expect(page.locator("#report")).to_contain_text("më e madhe se sa pranon kjo faqe")
        page.context.clear_cookies()
        page.get_by_label("Skedari").set_input_files(VECTORS / "armet.csv")
        page.get_by_role("button", name="Provoje").click()
        expect(page).to_have_url(f"{centre.url}/sign-in?next=%2Fuploads%2Fimports")


@pytest.mark.long
def test_a_file_is_rehearsed_line_by_line_and_then_taken_in(
    centre: Centre, signed_in: SignIn
) -> None:
    for code, entity in (("UMG.GR", "UMG"), ("DEP.1", "DEP")):
        place = {"code": code, "name": code, "kind": "site", "entity": entity}
        centre.post("/api/v1/places", place)
    with signed_in(centre, "registry-officer") as page:
        page.goto(centre.url + "/imports")
        page.get_by_role("link", name="Merr një skedar").click()
        page.get_by_role("button", name="Provoje").click()
        expect(page.locator("#report")).to_contain_text("Zgjidhni një skedar")
        page.get_by_label("Skedari").set_input_files(VECTORS / "armet.csv")
        page.get_by_role("button", name="Provoje").click()
        rows = page.locator("#report tbody tr")
        expect(rows).to_have_count(len(PLANTED))
        cells = [row.locator("td").all_inner_texts()[:2] for row in rows.all()]
        assert cells == [
            [str(line), heading or "i gjithë rreshti"] for line, heading, _, _ in PLANTED
        ]
        expect(page.locator("#report")).to_contain_text("nuk është një vit nga 1800")
        assert centre.get("/api/v1/imports")["items"] == []
        # The file stayed chosen. Without a number nothing is taken in.
        page.get_by_role("button", name="Merre brenda").click()
        expect(page.get_by_label("Numri")).to_have_attribute("aria-invalid", "true")
        page.get_by_label("Skedari").set_input_files(VECTORS / "armet.csv")
        page.get_by_label("Numri").fill("IMP-1")
        page.get_by_role("button", name="Merre brenda").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("IMP-1")
        expect(page.get_by_role("region", name="Çfarë u refuzua")).to_contain_text("Mbajtësi")
    (taken,) = centre.get("/api/v1/imports")["items"]
    assert (taken["number"], taken["file"]) == ("IMP-1", "armet.csv")
    assert taken["imported"] > 0


@pytest.mark.long
def test_an_administrator_opens_an_account_and_changes_its_roles(
    centre: Centre, signed_in: SignIn
) -> None:
    with signed_in(centre, "administrator") as page:
        page.goto(centre.url + "/accounts")
        page.get_by_role("link", name="Hap një llogari").click()
        page.get_by_label("Emri i hyrjes").fill("ana.dervishi")
        page.get_by_label("Emri i personit").fill("Ana Dervishi")
        page.get_by_label("inspektor").check()
        page.get_by_label("Fjalëkalimi").fill("short")
        page.get_by_role("button", name="Hap një llogari").click()
        password = page.get_by_label("Fjalëkalimi")
        expect(password).to_have_attribute("aria-invalid", "true")
        expect(password).to_have_value("")
        password.fill("a long enough password")
        page.get_by_role("button", name="Hap një llogari").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Ana Dervishi")
        page.get_by_role("link", name="Ndrysho rolet").click()
        expect(page.get_by_label("inspektor")).to_be_checked()
        page.get_by_label("auditues").check()
        page.get_by_label("Arsyeja").fill("letra 12")
        page.get_by_role("button", name="Ndrysho rolet").click()
        expect(page.get_by_text("Auditues")).to_be_visible()
    query = "SELECT roles FROM account WHERE name = 'ana.dervishi'"
    assert centre.sql(query) == [(["inspector", "auditor"],)]
    assert acts(centre, "account", "ana.dervishi") == [
        ("opened", ""),
        ("roles changed", "letra 12"),
    ]
    with signed_in(centre, "auditor") as page:
        page.goto(centre.url + "/acts?lang=en")
        page.get_by_label("Subject").select_option("account")
        page.get_by_label("Which one").fill("ana.dervishi")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator("tbody tr")).to_have_count(2)
        expect(page.locator("tbody tr").first).to_contain_text("Roles were changed")
        page.locator("tbody tr").first.get_by_role("link").first.click()
        expect(page.locator("main")).to_contain_text("letra 12")
        response = page.goto(centre.url + "/accounts?do=new")
        assert response is not None
        expect(page.get_by_label("Sign-in name")).to_have_count(0)


def test_what_the_register_refuses_is_said_in_the_reader_s_language(
    centre: Centre, signed_in: SignIn
) -> None:
    """The interface's own word of it stays English."""
    with signed_in(centre, "registry-officer") as page:
        page.goto(centre.url + "/entities?do=new&lang=sq")
        page.get_by_label("Kodi", exact=True).fill("DEP")
        page.get_by_label("Emri", exact=True).fill("Depoja Tjetër")
        page.locator("main form button[type=submit]").click()
        told = page.get_by_role("alert").locator("p:not([lang])")
        expect(told.last).to_have_text("Subjekti DEP ekziston tashmë.")
    refused = centre.post("/api/v1/entities", {"code": "DEP", "name": "x"}, expect=409)
    assert refused["detail"] == "entity DEP exists already"

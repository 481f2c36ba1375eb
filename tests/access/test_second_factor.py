"""The second factor: enrolled, asked for, used up, taken away; and who may try how often."""

import base64
import html
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import zxingcpp
from PIL import Image, ImageDraw

from central import config as configuration
from central import db
from central.access import tokens
from central.access.second_factor import address
from central.errors import Unauthorized
from central.screens.qr import drawn
from tests.access.test_pages import token_of
from tests.access.test_sessions import is_in, open_account, send, signed_in
from tests.support import authenticator
from tests.support.register import Register
from tests.support.registry import PASSWORD, Registry

pytestmark = pytest.mark.slow


def enrol(centre: Registry, browser: httpx.Client) -> tuple[str, list[str]]:
    """By one's own account page, as if it had been long ago; the secret and the recovery codes."""
    assert send(browser, "/account/second-factor/begin", password=PASSWORD).status_code == 303
    page = browser.get("/account/second-factor").text
    secret = typed(page)
    told = send(
        browser,
        "/account/second-factor",
        "/account/second-factor",
        code=authenticator.code(secret),
    )
    assert told.status_code == 200
    centre.sql("UPDATE second_factor SET step = step - 2880")
    return secret, codes_in(told.text)


def typed(page: str) -> str:
    found = re.search(r'class="mono typed">([A-Z2-7 ]+)<', page)
    assert found is not None
    return found[1]


def codes_in(page: str) -> list[str]:
    return re.findall(r"<li>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})</li>", page)


class Guest:
    """Somebody at the sign-in."""

    def __init__(self, centre: Registry, name: str) -> None:
        self.http = centre.http()
        self.name = name

    def __enter__(self) -> "Guest":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def password(self, password: str = PASSWORD) -> httpx.Response:
        form = {"account": self.name, "password": password, "next": "/account"}
        form["csrf"] = token_of(self.http, "/sign-in")
        return self.http.post("/sign-in", data=form)

    def code(self, code: str) -> int:
        form = {"csrf": token_of(self.http, "/sign-in/code"), "code": code, "next": "/account"}
        return self.http.post("/sign-in/code", data=form).status_code

    def is_in(self) -> bool:
        return self.http.get("/account").status_code == 200


def test_the_authenticator_of_these_tests_is_the_rfcs() -> None:
    """RFC 6238, appendix B: the last six of eight digits."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    for seconds, told in ((59, "94287082"), (1111111109, "07081804"), (20000000000, "65353130")):
        assert authenticator.at(secret, seconds // 30) == told[2:]


def test_the_drawn_code_is_read_by_a_decoder() -> None:
    content = address("arben.hoxha", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    side, path = drawn(content)
    picture = Image.new("L", (side + 8, side + 8), 255)
    for told in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", path):
        x, y, length = map(int, told)
        ImageDraw.Draw(picture).rectangle((x + 4, y + 4, x + 3 + length, y + 4), fill=0)
    (found,) = zxingcpp.read_barcodes(
        picture.resize((6 * (side + 8),) * 2, Image.Resampling.NEAREST)
    )
    assert found.text == content
    assert content.startswith("otpauth://totp/gjurma%3Aarben.hoxha?secret=JBSW")


def test_a_code_is_asked_for_and_good_once(centre: Registry) -> None:
    open_account(centre, "kastriot", "auditor")
    with signed_in(centre, "kastriot") as browser:
        secret, _ = enrol(centre, browser)
    first, second = authenticator.code(secret), authenticator.code(secret, steps=1)
    with Guest(centre, "kastriot") as guest:
        assert guest.http.get("/sign-in/code").status_code == 303
        assert guest.password().headers["location"] == "/sign-in/code?next=%2Faccount"
        assert not guest.is_in(), "a password alone is not enough"
        for wrong in ("", "000000" if first != "000000" else "111111", first + "0"):
            assert guest.code(wrong) == 403
            assert not guest.is_in()
        assert guest.code(f"{first[:3]} {first[3:]}") == 303
        assert guest.is_in()
    with Guest(centre, "kastriot") as guest:
        guest.password()
        assert guest.code(first) == 403, "it was used"
        assert guest.code(second) == 303
    with Guest(centre, "kastriot") as guest:
        guest.password()
        assert guest.code(first) == 403, "so is every one before"


def test_a_recovery_code_is_good_once_and_for_its_owner(centre: Registry) -> None:
    open_account(centre, "lindita", "auditor")
    open_account(centre, "mentor", "auditor")
    with signed_in(centre, "lindita") as browser, signed_in(centre, "mentor") as other:
        _, codes = enrol(centre, browser)
        enrol(centre, other)
        assert len(set(codes)) == 10
        again = browser.get("/account/second-factor")
        assert again.status_code == 409, "they are told once"
        assert "Llogaria lindita nuk ka nisur vendosjen e faktorit të dytë." in again.text
    with Guest(centre, "mentor") as guest:
        guest.password()
        assert guest.code(codes[0]) == 403
    with Guest(centre, "lindita") as guest:
        guest.password()
        assert guest.code(codes[0].lower().replace("-", " ").replace("0", "o")) == 303
        assert "9" in guest.http.get("/account").text.partition("Kode rikthimi të mbetura: ")[2][:2]
    with Guest(centre, "lindita") as guest:
        guest.password()
        assert guest.code(codes[0]) == 403
        assert guest.code(codes[1]) == 303
    acts = centre.sql(
        "SELECT what, payload::text FROM act WHERE key = 'lindita' AND subject = 'sign-in'"
        " ORDER BY id"
    )
    assert [what for what, _ in acts] == ["recovery code used", "code failed", "recovery code used"]


def test_new_recovery_codes_end_the_former_ones(centre: Registry) -> None:
    open_account(centre, "nora", "auditor")
    with signed_in(centre, "nora") as browser:
        secret, former = enrol(centre, browser)
        path = "/account/second-factor/recovery-codes"
        assert send(browser, path, code="000").status_code == 422
        told = send(browser, path, code=authenticator.code(secret))
        fresh = codes_in(told.text)
        assert len(fresh) == 10
        assert not set(fresh) & set(former)
    with Guest(centre, "nora") as guest:
        guest.password()
        assert guest.code(former[0]) == 403
        assert guest.code(fresh[0]) == 303


def test_it_is_removed_by_the_password_or_by_an_administrator(centre: Registry) -> None:
    open_account(centre, "orges", "auditor")
    with signed_in(centre, "orges") as browser:
        assert send(browser, "/account/second-factor/begin", password="x").status_code == 422
        enrol(centre, browser)
        assert send(browser, "/account/second-factor/remove", password="x").status_code == 422
        assert send(browser, "/account/second-factor/remove", password=PASSWORD).status_code == 303
        assert is_in(browser)
        enrol(centre, browser)
        page, path = "/accounts/orges", "/accounts/orges/second-factor/remove"
        with centre.browser("administrator") as administrator:
            assert send(administrator, path, page).status_code == 422
            reason = {"reason-factor": "the phone fell into the lake"}
            assert send(administrator, path, page, **reason).status_code == 303
        assert not is_in(browser)
    with Guest(centre, "orges") as guest:
        assert guest.password().headers["location"] == "/account"
    acts = centre.sql(
        "SELECT what, account, reason FROM act WHERE key = 'orges' AND subject = 'account'"
        " AND what LIKE 'second%%' ORDER BY id"
    )
    assert acts == [
        ("second factor enrolled", "orges", ""),
        ("second factor removed", "orges", "removed by its owner"),
        ("second factor enrolled", "orges", ""),
        ("second factor removed", "administrator", "the phone fell into the lake"),
    ]


def test_the_interface_asks_for_the_code_too(centre: Registry) -> None:
    open_account(centre, "petrit", "auditor")
    with signed_in(centre, "petrit") as browser:
        secret, _ = enrol(centre, browser)
    asked = {"account": "petrit", "password": PASSWORD}

    def ask(**more: Any) -> tuple[int, str]:
        answer = centre.http().post("/api/v1/sessions", json=asked | more)
        return answer.status_code, answer.json().get("code", "")

    assert ask() == (403, "code-needed")
    assert ask(password="wrong password", code="x") == (401, "unauthorized")
    assert ask(code="000") == (403, "wrong-code")
    assert ask(code=authenticator.code(secret)) == (201, "")


def test_no_secret_is_kept_as_it_is_nor_told_to_the_log(centre: Registry) -> None:
    open_account(centre, "qemal", "auditor")
    with signed_in(centre, "qemal") as browser:
        secret, codes = enrol(centre, browser)
    raw = base64.b32decode(secret.replace(" ", ""))
    ((sealed,),) = centre.sql("SELECT secret FROM second_factor WHERE account = 'qemal'")
    assert raw not in bytes(sealed)
    kept = [row[0] for row in centre.sql("SELECT to_jsonb(t)::text FROM credential t")]
    kept += [row[0] for row in centre.sql("SELECT to_jsonb(t)::text FROM act t")]
    kept += [centre.log("serve")]
    for told in (secret, secret.replace(" ", ""), *codes, *(c.replace("-", "") for c in codes)):
        assert not any(told in each for each in kept)
    assert (centre.folder / "keys" / "second-factor.key").stat().st_mode & 0o777 == 0o600


def test_strangers_lock_nobody_out_of_a_browser_that_is_known(centre: Registry) -> None:
    open_account(centre, "rozafa", "auditor")
    with signed_in(centre, "rozafa") as own, Guest(centre, "rozafa") as stranger:
        cookie = {"gjurma_known": own.cookies["gjurma_known"]}
        answers = [stranger.password("guessed at random").status_code for _ in range(7)]
        assert answers == [403] * 5 + [429] * 2
        assert stranger.password().status_code == 429, "the right one is not told either"
        with Guest(centre, "rozafa") as guest:
            guest.http.cookies.update(cookie)
            assert guest.password("mistyped").status_code == 403
            assert guest.password().status_code == 303
            assert guest.is_in()
        with Guest(centre, "administrator") as guest:
            guest.http.cookies.update(cookie)
            answers = [guest.password("guessed").status_code for _ in range(6)]
            assert answers == [403] * 5 + [429], "it is known for its own account alone"
    acts = centre.sql(
        "SELECT account, what, payload::text FROM act WHERE key = 'rozafa' AND subject = 'sign-in'"
    )
    assert acts == [("sign-in", "password failed", '{"from": "127.0.0.1"}')] * 6


def test_codes_are_not_guessed_by_who_knows_the_password(centre: Registry) -> None:
    open_account(centre, "skender", "auditor")
    with signed_in(centre, "skender") as browser, Guest(centre, "skender") as guest:
        secret, _ = enrol(centre, browser)
        guest.password()
        answers = [guest.code(f"{number}") for number in range(11)]
        assert answers == [403] * 10 + [429]
        assert guest.code(authenticator.code(secret)) == 429
        guest.http.cookies.set("gjurma_known", browser.cookies["gjurma_known"])
        assert guest.code(authenticator.code(secret)) == 303


def test_what_no_account_is_called_is_kept_nowhere(centre: Registry) -> None:
    typed_by_mistake = "a password in the wrong field"
    with Guest(centre, typed_by_mistake) as guest:
        assert guest.password().status_code == 403
    assert typed_by_mistake not in centre.log("serve")
    assert not centre.sql("SELECT 1 FROM act WHERE key = %s", typed_by_mistake)


@pytest.fixture(scope="module")
def strict() -> Iterator[Registry]:
    """A register in which an administrator needs a second factor."""
    with Register.opened() as centre:
        centre.token("administrator")
        centre.stop("serve")
        with (centre.folder / "central.toml").open("a") as file:
            file.write('[sign_in]\nsecond_factor = ["administrator"]\n')
        centre.start("serve")
        yield centre


def test_a_role_that_needs_it_is_entered_with_it_alone(strict: Registry) -> None:
    asked = {"account": "administrator", "password": PASSWORD}
    answer = strict.http().post("/api/v1/sessions", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    with Guest(strict, "administrator") as guest:
        onwards = guest.password().headers["location"]
        assert onwards == "/sign-in/enrol?next=%2Faccount&role=administrator"
        assert not guest.is_in()
        page = guest.http.get(onwards).text
        secret = typed(page)
        form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html.unescape(page)))
        assert form.keys() == {"csrf", "next", "role"}
        wrong = guest.http.post("/sign-in/enrol", data=form | {"code": "1"})
        assert (wrong.status_code, guest.is_in()) == (403, False)
        told = guest.http.post("/sign-in/enrol", data=form | {"code": authenticator.code(secret)})
        assert len(codes_in(told.text)) == 10
        assert 'href="/account"' in told.text
        assert guest.is_in()
        removed = send(guest.http, "/account/second-factor/remove", password=PASSWORD)
        assert (removed.status_code, guest.is_in()) == (303, False)


# --- half signed in -------------------------------------------------------------------------


def halves(centre: Registry, name: str) -> int:
    """How many are on the way in as that account."""
    count = "SELECT count(*) FROM credential WHERE kind = 'half' AND owner LIKE %s"
    return int(centre.sql(count, f"{name} %")[0][0])


def choose(guest: Guest, token: str) -> httpx.Response:
    form = {"csrf": token, "role": "auditor", "next": "/account"}
    return guest.http.post("/sign-in/role", data=form)


def test_who_pauses_on_the_way_in_begins_again_and_is_not_locked_out(centre: Registry) -> None:
    open_account(centre, "teuta", "auditor", "inspector")
    swept = "DELETE FROM credential WHERE kind = 'half'"
    with Guest(centre, "teuta") as guest:
        assert guest.password().headers["location"] == "/sign-in/role?next=%2Faccount"
        token = token_of(guest.http, "/sign-in/role")
        centre.sql(swept)
        page = choose(guest, token)
        assert page.status_code == 403
        assert "Filloni përsëri." in page.text
        assert "gjurma_half" not in guest.http.cookies, "it leads nowhere any more"
        assert guest.password().status_code == 303
        # Nor whoever goes back to the sign-in by themselves, with the cookie in their browser.
        centre.sql(swept)
        assert guest.password().status_code == 303
        assert choose(guest, token_of(guest.http, "/sign-in/role")).status_code == 303
        assert guest.is_in()


@pytest.mark.parametrize("what", ["changed", "ended", "removed", "own"])
def test_who_is_half_in_goes_on_with_nothing_that_has_ended(centre: Registry, what: str) -> None:
    """By a former password, or by a second factor that was taken away."""
    name, new = f"uran-{what}", {"password": PASSWORD + "!"}
    open_account(centre, name, "auditor", "inspector")
    with Guest(centre, name) as guest, Guest(centre, name) as owner:
        guest.password()
        token = token_of(guest.http, "/sign-in/role")
        owner.password()
        assert choose(owner, token_of(owner.http, "/sign-in/role")).status_code == 303
        if what == "changed":
            with centre.client("administrator") as http:
                assert http.post(f"/api/v1/accounts/{name}/password", json=new).status_code == 200
        elif what == "own":
            changed = {"old": PASSWORD, "new": new["password"], "again": new["password"]}
            assert send(owner.http, "/account/password", **changed).status_code == 303
        elif what == "ended":
            assert send(owner.http, "/account/sessions/end-others").status_code == 303
        else:
            secret, _ = enrol(centre, owner.http)
            guest.password()
            assert guest.code(authenticator.code(secret)) == 303
            assert halves(centre, name) == 1
            page, path = f"/accounts/{name}", f"/accounts/{name}/second-factor/remove"
            with centre.browser("administrator") as http:
                removed = send(http, path, page, **{"reason-factor": "another's phone"})
                assert removed.status_code == 303
        assert choose(guest, token).status_code == 403
        assert not guest.is_in()
        assert halves(centre, name) == 0


def test_a_password_that_is_changed_meanwhile_begins_no_session(centre: Registry) -> None:
    open_account(centre, "valdet", "auditor")
    engine = db.make_engine(configuration.load(centre.folder / "central.toml"))
    with engine.begin() as connection:
        proved = tokens.known(connection, "valdet", PASSWORD)
        tokens.unchanged(connection, proved)
    with centre.client("administrator") as http:
        http.post("/api/v1/accounts/valdet/password", json={"password": PASSWORD + "!"})
    with engine.begin() as connection, pytest.raises(Unauthorized):
        tokens.unchanged(connection, proved)
    engine.dispose()

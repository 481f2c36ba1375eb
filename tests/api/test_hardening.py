"""What somebody may try who means no good: each with a token of their own, or with none."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from central.app import interface
from tests.api.conftest import PRODUCT
from tests.support.register import Register
from tests.support.registry import Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
PUBLIC = "/api/v1/public/"
PASSWORD = "kurrkush nuk e di"


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


@pytest.fixture
def administrator(centre: Registry) -> Any:
    with centre.client("administrator") as http:
        http.base_url = centre.url + "/api/v1"
        yield http


def open_account(administrator: httpx.Client, name: str, *roles: str) -> None:
    body = {"name": name, "person": name, "roles": roles, "password": PASSWORD}
    response = administrator.post("/accounts", json=body)
    assert response.status_code == 201, response.text


def sign_in(centre: Registry, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
    asked = {"account": name, "password": password, **more}
    return centre.http().post("/api/v1/sessions", json=asked)


# --- what is sent ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/licences/%00",
        "/api/v1/licences?entity=%00",
        "/api/v1/items?uii=A%00",
        "/api/v1/items/%00",
        "/api/v1/search?q=%00",
        "/api/v1/acts?subject=%00",
        "/api/v1/gateways/%00",
    ],
)
def test_nul_in_an_address_is_refused(centre: Registry, path: str) -> None:
    with centre.client() as officer:
        response = officer.get(path)
    assert code_of(response) in ((422, "refused"), (404, "not-found"))
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800"])
def test_a_text_that_cannot_be_kept_is_refused(centre: Registry, text: str) -> None:
    content = f'{{"gateway": "a.b", "reason": "x{text}"}}'
    headers = {"Content-Type": "application/json"}
    with centre.client() as officer:
        response = officer.post("/api/v1/invitations", content=content, headers=headers)
    assert code_of(response) == (422, "refused")


@pytest.mark.parametrize("part", ["template", "components"])
def test_unknown_fields_come_in_nowhere(centre: Registry, part: str) -> None:
    """The wire contract lets its messages grow; what a person enters does not."""
    value = PRODUCT[part]
    grown = [{**value[0], "extra": 1}] if isinstance(value, list) else {**value, "extra": 1}
    with centre.client() as officer:
        response = officer.post("/api/v1/products", json=PRODUCT | {part: grown})
    assert code_of(response) == (422, "refused")
    assert "there is no extra" in response.json()["detail"]


def test_a_body_that_is_too_large_is_not_read(centre: Registry) -> None:
    content = b" " * (1024 * 1024 + 1)
    response = centre.http().post("/api/v1/sessions", content=content)
    assert code_of(response) == (413, "http-413")


def test_what_can_be_entered_can_be_addressed(centre: Registry) -> None:
    with centre.client() as officer:
        response = officer.post("/api/v1/entities", json={"code": "A/B", "name": "A"})
    assert code_of(response) == (422, "refused")


# --- who asks -------------------------------------------------------------------------------


def test_nobody_learns_what_is_malformed_without_a_token(centre: Registry) -> None:
    odd = {"If-Match": "?", "Idempotency-Key": "a b"}
    response = centre.http().post("/api/v1/licences/L-1/suspend", json={"no": 1}, headers=odd)
    assert code_of(response) == (401, "unauthorized")


def test_many_passwords_at_once_are_no_more_than_many_in_turn(
    centre: Registry, administrator: httpx.Client
) -> None:
    open_account(administrator, "besnik", "auditor")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: sign_in(centre, "besnik", "wrong password"), range(20)))
    statuses = [each.status_code for each in answers]
    assert set(statuses) == {401, 429}
    assert statuses.count(401) <= 5


def test_a_changed_password_ends_what_was_signed_in_by_the_former(
    centre: Registry, administrator: httpx.Client
) -> None:
    open_account(administrator, "luan", "auditor")
    until = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    asked = {"account": "luan", "role": "auditor", "purpose": "reports", "until": until}
    tokens = [sign_in(centre, "luan").json(), administrator.post("/tokens", json=asked).json()]

    def works(token: dict[str, Any]) -> bool:
        headers = {"Authorization": f"Bearer {token['token']}"}
        return centre.http().get("/api/v1/acts", headers=headers).status_code == 200

    assert list(map(works, tokens)) == [True, True]
    changed = administrator.post("/accounts/luan/password", json={"password": PASSWORD + "!"})
    assert changed.status_code == 200
    assert list(map(works, tokens)) == [False, True]
    assert sign_in(centre, "luan").status_code == 401
    assert sign_in(centre, "luan", PASSWORD + "!").status_code == 201


def test_whoever_is_signed_in_changes_their_own_password(
    centre: Registry, administrator: httpx.Client
) -> None:
    open_account(administrator, "mira", "auditor", "inspector")
    until = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    issued = {"account": "mira", "role": "auditor", "purpose": "reports", "until": until}
    tokens = [
        sign_in(centre, "mira", role="auditor").json(),
        sign_in(centre, "mira", role="inspector").json(),
        administrator.post("/tokens", json=issued).json(),
    ]

    def ask(token: dict[str, Any], method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token['token']}"} | more.pop("headers", {})
        return centre.http().request(method, f"/api/v1{path}", headers=headers, **more)

    def working() -> list[bool]:
        return [ask(token, "GET", "/acts").status_code == 200 for token in tokens]

    new = PASSWORD + "!"
    mine, change = tokens[0], {"old": PASSWORD, "new": new}
    for odd in (change | {"new": PASSWORD}, change | {"new": "short"}, {"new": new}):
        assert code_of(ask(mine, "POST", "/password", json=odd)) == (422, "refused")
    key = {"Idempotency-Key": "mira-1"}
    changed = ask(mine, "POST", "/password", json=change, headers=key)
    assert (changed.status_code, changed.json()["name"]) == (200, "mira")
    assert working() == [True, False, True], "this session and what was issued stay"
    again = ask(mine, "POST", "/password", json=change, headers=key)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert sign_in(centre, "mira", role="auditor").status_code == 401
    assert sign_in(centre, "mira", new, role="auditor").status_code == 201

    acts = centre.sql(
        "SELECT subject, what, account, role, payload::text, reason FROM act"
        " WHERE account = 'mira' AND what <> 'issued' ORDER BY id"
    )
    who = ("mira", "auditor", "{}")
    assert acts == [
        ("account", "password changed", *who, ""),
        ("token", "revoked", *who, "the password was changed"),
    ]
    for row in centre.sql("SELECT to_jsonb(a)::text FROM act a UNION SELECT body FROM answered"):
        assert PASSWORD not in row[0]


def test_a_wrong_old_password_counts_as_a_failure_to_sign_in(
    centre: Registry, administrator: httpx.Client
) -> None:
    open_account(administrator, "agim", "auditor")
    headers = {"Authorization": f"Bearer {sign_in(centre, 'agim').json()['token']}"}

    def change(old: str) -> httpx.Response:
        asked = {"old": old, "new": PASSWORD + "!"}
        return centre.http().post("/api/v1/password", json=asked, headers=headers)

    answers = [code_of(change(f"wrong password {number}")) for number in range(3)]
    answers += [code_of(sign_in(centre, "agim", "wrong password")) for _ in range(2)]
    assert answers == [(403, "wrong-password")] * 3 + [(401, "unauthorized")] * 2
    assert code_of(change(PASSWORD)) == code_of(sign_in(centre, "agim")) == (429, "too-many")
    acts = "SELECT what FROM act WHERE key = 'agim' ORDER BY id"
    assert centre.sql(acts) == [("opened",), *[("password failed",)] * 2]


def test_an_account_without_a_password_has_none_to_change(centre: Registry) -> None:
    with centre.client("auditor") as system:
        asked = {"old": "", "new": PASSWORD}
        answer = system.post("/api/v1/password", json=asked)
    assert code_of(answer) == (403, "wrong-password")


def test_somebody_stays_administrator(administrator: httpx.Client) -> None:
    why = {"reason": "leaves"}
    last = administrator.post("/accounts/administrator/disable", json=why)
    assert code_of(last) == (409, "conflict")
    roles = {"roles": ["auditor"], **why}
    assert code_of(administrator.post("/accounts/administrator/roles", json=roles)) == (
        409,
        "conflict",
    )
    open_account(administrator, "second", "administrator")
    assert administrator.post("/accounts/second/disable", json=why).status_code == 200


# --- what is another's ----------------------------------------------------------------------


def test_a_producer_draws_from_no_others_numbers(centre: Registry) -> None:
    theirs = centre.sql("SELECT space FROM product WHERE code = 'M70'")[0][0]
    body = PRODUCT | {"code": "K-1", "entity": "KMP"}
    with centre.client("producer-officer", "KMP") as other:
        entered = other.post("/api/v1/products", json=body | {"space": theirs})
    assert entered.status_code == 201, entered.text
    assert entered.json()["space"] == f"KMP.{theirs}"
    with centre.client() as officer:
        again = officer.post("/api/v1/products", json=body | {"code": "K-2", "space": theirs})
    assert code_of(again) == (409, "conflict")


def test_of_anothers_nothing_is_listed_and_nothing_found(centre: Registry) -> None:
    """Every list of the interface, and what one by one is read by the address below it."""
    paths = interface().openapi()["paths"]
    seen = set()
    with (
        centre.client() as officer,
        centre.client("producer-officer", "UMG") as owner,
        centre.client("producer-officer", "KMP") as other,
    ):
        for path in (each for each in paths if "get" in paths[each] and "{" not in each):
            # What everybody may know, and nothing more, is asserted in tests/public.
            if path.endswith("/live") or path.startswith(PUBLIC):
                continue
            if other.get(path).status_code == 403:
                continue
            assert '"UMG"' not in other.get(path).text, path
            for code in _of(officer.get(path), "UMG"):
                single = next(
                    (p for p in paths if re.fullmatch(re.escape(path) + r"/\{\w+\}", p)), None
                )
                if single is None:
                    continue
                seen.add(single)
                assert owner.get(f"{path}/{code}").status_code == 200, single
                hidden, nothing = other.get(f"{path}/{code}"), other.get(f"{path}/nothing")
                assert code_of(hidden) == (404, "not-found"), single
                same = hidden.json()["detail"].replace(code, "nothing")
                assert same == nothing.json()["detail"], "nor does the answer tell it apart"
    subjects = ("entities", "licences", "orders", "products")
    assert {path.split("/")[3] for path in seen} >= set(subjects)


def _of(answer: httpx.Response, entity: str) -> list[str]:
    """The keys of what is an entity's, out of a list as an officer sees it."""
    told = answer.json() if answer.status_code == 200 else []
    listed = told.get("items", []) if isinstance(told, dict) else told
    return [
        str(each.get("code") or each.get("number") or each.get("name") or each.get("id"))
        for each in listed
        if entity in (each.get("entity"), each.get("code"))
    ]


def test_no_list_takes_anothers_entity_as_a_filter(centre: Registry) -> None:
    with centre.client("producer-officer", "KMP") as other:
        for path, methods in interface().openapi()["paths"].items():
            names = {each["name"] for each in methods.get("get", {}).get("parameters", [])}
            if "entity" in names and "{" not in path and not path.startswith(PUBLIC):
                answer = other.get(path, params={"entity": "UMG"})
                if answer.status_code == 200:
                    assert answer.json()["items"] == [], path


def test_which_records_there_are_is_not_told(centre: Registry) -> None:
    query = {"gateway": "gramsh.line-1", "epoch": "1", "seq": "1"}
    with centre.client("producer-officer", "KMP") as other:
        assert other.get("/api/v1/items", params=query).json()["items"] == []
    assert centre.look("/api/v1/items", **query).status_code == 404


def test_whose_a_product_is_is_not_told_by_an_order_for_it(centre: Registry) -> None:
    order = {"code": "K-9", "quantity": 1, "gateways": ["gramsh.line-1"], "job": "J"}
    with centre.client("producer-officer", "KMP") as other:
        hidden = other.post("/api/v1/orders", json=order | {"product": "M70"})
        nothing = other.post("/api/v1/orders", json=order | {"product": "NONE"})
    assert code_of(hidden) == code_of(nothing) == (404, "not-found")
    assert hidden.json()["detail"].replace("M70", "NONE") == nothing.json()["detail"]


# --- what is told ---------------------------------------------------------------------------


def test_what_is_taken_is_told_in_the_registers_words(centre: Registry) -> None:
    licence = {
        "number": "L-9",
        "entity": "NOBODY",
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": "2027-01-01T00:00:00Z",
    }
    with centre.client() as officer:
        missing = officer.post("/api/v1/licences", json=licence)
    assert code_of(missing) == (404, "not-found")
    assert "present in table" not in missing.text
    assert "NOBODY" in missing.json()["detail"]


def test_nothing_is_left_on_the_way(centre: Registry, administrator: httpx.Client) -> None:
    open_account(administrator, "teuta", "auditor")
    for response in (sign_in(centre, "teuta"), centre.look("/api/v1/licences/L-1")):
        assert response.headers["cache-control"] == "no-store"
        assert "server" not in response.headers


def test_nothing_is_compressed_that_may_repeat_what_was_asked(centre: Registry) -> None:
    """Its length would tell the token and the rows that stand beside it, guess by guess."""
    with centre.browser() as officer:
        page = officer.get("/entities")
        assert page.headers["content-encoding"] == "gzip"
        assert "Accept-Encoding" in page.headers["vary"]
        assert 'name="csrf"' in page.text
        assert len(page.text) > 2 * int(page.headers["content-length"])
        token = re.findall(r'name="csrf" value="(\w+)"', page.text)[0]
        asked = [
            officer.get("/entities?state=active"),
            officer.get(f"/search?q={token}"),
            officer.get(f"/entities/{token[:20]}"),
            officer.post("/entities", data={"csrf": token, "code": token}),
        ]
        refused = officer.get("/entities", headers={"Accept-Encoding": "identity"})
        stream = officer.stream("GET", "/feed/live")
        with stream as live:
            assert "content-encoding" not in live.headers
    for answer in (*asked, refused):
        assert len(answer.content) > 1000
        assert "content-encoding" not in answer.headers, answer.url
    assert [answer.status_code for answer in asked] == [200, 200, 404, 422]


def test_a_static_file_is_kept_for_ever_under_the_address_of_its_content(centre: Registry) -> None:
    with centre.browser() as officer:
        page = officer.get("/").text
        files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
        assert any(each.endswith("/words-sq.js") for each in files)
        assert not any(each.endswith("/words-en.js") for each in files)
        for address in files:
            file = officer.get(address)
            assert (file.status_code, file.headers["content-encoding"]) == (200, "gzip"), address
            assert file.headers["cache-control"].endswith("immutable")
            plain = officer.get(address, headers={"Accept-Encoding": "identity"})
            assert plain.content == file.content
            assert re.search(r"/[0-9a-f]{16}/|/vendor/[a-z]+-[0-9.]+/", address)
        for strange in ("/static/pages/0000000000000000/live.js", "/static/vendor/../live.js"):
            assert officer.get(strange).status_code == 404
        # A page whose scripts say nothing is given no words.
        assert "words-" not in officer.get("/account").text


def test_no_token_and_no_password_is_logged(centre: Registry, administrator: httpx.Client) -> None:
    open_account(administrator, "ilir", "auditor")
    token = sign_in(centre, "ilir").json()["token"]
    sign_in(centre, "ilir", "not the password")
    headers = {"Authorization": f"Bearer {token}"}
    centre.http().get(f"/api/v1/licences/L-1?token={token}", headers=headers)
    log = centre.log("serve")
    for secret in (token, PASSWORD, "not the password"):
        assert secret not in log


def test_answers_are_kept_for_thirty_days() -> None:
    with Register.opened() as centre:
        with centre.client() as officer:
            for key in ("old", "new"):
                body = {"code": key.upper(), "name": key}
                officer.post("/api/v1/entities", json=body, headers={"Idempotency-Key": key})
        centre.sql("UPDATE answered SET at = now() - interval '31 days' WHERE key = 'old'")
        centre.stop("serve")
        centre.start("serve")
        wait_for(
            "the old answer's end",
            lambda: centre.sql("SELECT key FROM answered") == [("new",)],
            20,
        )

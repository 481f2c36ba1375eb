"""Accounts and tokens from the first administrator on: real requests to the real server."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from central import embedded
from tests.support.central import Centre
from tests.support.registry import Registry

pytestmark = pytest.mark.slow
PASSWORD = "kurrkush nuk e di"


@pytest.fixture
def administrator(centre: Registry) -> Any:
    with centre.client("administrator") as http:
        http.base_url = centre.url + "/api/v1"
        yield http


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


def test_the_first_administrators_code_is_good_once(centre: Registry) -> None:
    centre.token("administrator")
    code = centre.setup_code()
    assert code not in centre.log("serve")
    body = {"code": code, "name": "second", "person": "Second", "password": PASSWORD}
    response = centre.http().post("/api/v1/setup", json=body)
    assert code_of(response) == (403, "invitation-invalid")


def test_a_server_that_starts_before_its_database_offers_the_code_later() -> None:
    with Centre.started("serve") as centre:
        centre.stop("serve")
        centre.setup_file().unlink()
        embedded.stop(centre.folder / "pg")
        centre.start("serve")
        body = {"code": "x" * 43, "name": "first", "person": "First", "password": PASSWORD}
        with centre.http() as http:
            response = http.post("/api/v1/setup", json=body)
        assert code_of(response) == (503, "database-unavailable")
        assert not (centre.folder / "setup").exists()
        embedded.start(centre.folder / "pg")
        centre.token("administrator")
        assert (centre.folder / "setup").stat().st_mode & 0o777 == 0o600
        centre.stop("serve")


def test_no_secret_is_kept_as_it_is(centre: Registry) -> None:
    token = centre.token("registry-officer")
    assert token not in centre.log("serve")
    for table in ("credential", "act", "token", "answered"):
        for row in centre.sql(f"SELECT to_jsonb(t)::text FROM {table} t"):
            assert token not in row[0]
            assert "a password of this test" not in row[0]


def test_what_a_person_shows_at_the_line_is_in_no_act(
    centre: Registry, administrator: httpx.Client
) -> None:
    person = {"code": "p-9", "gateway": "gramsh.line-1", "badge": "B-9", "pin": "4821"}
    centre.post("/api/v1/people", person | {"roles": ["operator"]})
    ((badge, pin),) = centre.sql("SELECT badge, pin FROM person WHERE code = 'p-9'")
    acts = administrator.get("/acts", params={"subject": "person"}).text
    assert "p-9" in acts
    assert badge not in acts
    assert pin not in acts


@pytest.mark.parametrize("pin", ["", "482", "4821482148214", "48 21", "48a1", "٤٨٢١", "4821\n"])
def test_a_pin_is_of_four_to_twelve_digits(centre: Registry, pin: str) -> None:
    person = {"code": "p-8", "gateway": "gramsh.line-1", "badge": "B-8", "roles": ["operator"]}
    with centre.client() as officer:
        refused = officer.post("/api/v1/people", json=person | {"pin": pin})
        assert code_of(refused) == (422, "refused")
        assert not pin or pin not in refused.json()["detail"]
        for good in ("4821", "482148214821"):
            assert officer.post("/api/v1/people", json=person | {"pin": good}).status_code == 201


def test_signing_in_by_password(centre: Registry, administrator: httpx.Client) -> None:
    account = {"name": "drita", "person": "Drita", "roles": ["auditor"], "password": PASSWORD}
    assert administrator.post("/accounts", json=account).status_code == 201
    session = (
        centre.http()
        .post("/api/v1/sessions", json={"account": "drita", "password": PASSWORD})
        .json()
    )
    assert session["role"] == "auditor"
    until = datetime.fromisoformat(session["until"])
    assert timedelta(hours=11) < until - datetime.now(UTC) <= timedelta(hours=12)
    headers = {"Authorization": f"Bearer {session['token']}"}
    assert centre.http().get("/api/v1/acts", headers=headers).status_code == 200

    wrong = {"account": "drita", "password": "kurrkush e di"}
    answers = [centre.http().post("/api/v1/sessions", json=wrong) for _ in range(6)]
    assert [code_of(each) for each in answers] == [
        *[(401, "unauthorized")] * 5,
        (429, "too-many"),
    ]
    nobody = {"account": "nobody", "password": PASSWORD}
    assert (
        centre.http().post("/api/v1/sessions", json=nobody).json()["detail"]
        == (answers[0].json()["detail"])
    )


def test_a_token_ends_with_its_revocation_its_accounts_role_or_the_account(
    centre: Registry, administrator: httpx.Client
) -> None:
    account = {"name": "agron", "person": "Agron", "roles": ["auditor", "inspector"]}
    assert administrator.post("/accounts", json=account).status_code == 201
    until = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    new = {"account": "agron", "purpose": "reports", "until": until}

    def issue(role: str) -> dict[str, Any]:
        response = administrator.post("/tokens", json=new | {"role": role})
        assert response.status_code == 201, response.text
        return dict(response.json())

    def works(token: dict[str, Any]) -> bool:
        headers = {"Authorization": f"Bearer {token['token']}"}
        return centre.http().get("/api/v1/acts", headers=headers).status_code == 200

    first, second, third = issue("auditor"), issue("auditor"), issue("inspector")
    assert [works(each) for each in (first, second, third)] == [True, True, True]
    why = {"reason": "found on a desk"}
    assert administrator.post(f"/tokens/{first['id']}/revoke", json=why).status_code == 200
    assert [works(each) for each in (first, second, third)] == [False, True, True]
    again = administrator.post(f"/tokens/{first['id']}/revoke", json=why)
    assert code_of(again) == (409, "conflict")

    roles = {"roles": ["inspector"], "reason": "moved"}
    assert administrator.post("/accounts/agron/roles", json=roles).status_code == 200
    assert [works(each) for each in (second, third)] == [False, True]

    assert administrator.post("/accounts/agron/disable", json=why).status_code == 200
    assert not works(third)
    assert administrator.post("/accounts/agron/enable", json=why).status_code == 200
    assert works(third)
    assert code_of(administrator.post("/tokens", json=new | {"role": "operator"})) == (
        422,
        "refused",
    )


@pytest.mark.parametrize(
    ("roles", "entity"),
    [
        (["operator"], None),
        (["auditor"], "UMG"),
        (["operator", "auditor"], "UMG"),
        (["auditor", "auditor"], None),
        ([], None),
    ],
)
def test_roles_of_an_entity_stand_with_one(
    administrator: httpx.Client, roles: list[str], entity: str | None
) -> None:
    account = {"name": "odd", "person": "Odd", "roles": roles, "entity": entity}
    assert code_of(administrator.post("/accounts", json=account)) == (422, "refused")


def test_every_act_says_who_and_why(centre: Registry, administrator: httpx.Client) -> None:
    centre.post(
        "/api/v1/licences/L-1/suspend", {"reason": "inspection 12", "basis": "Ligji 82/2024, 27"}
    )
    centre.post("/api/v1/licences/L-1/reinstate", {"reason": "mended"})
    acts = administrator.get("/acts", params={"subject": "licence", "key": "L-1"}).json()["items"]
    assert [(a["what"], a["account"], a["role"], a["reason"], a["basis"]) for a in acts] == [
        ("issued", "registry-officer", "registry-officer", "", ""),
        (
            *("suspended", "registry-officer", "registry-officer"),
            *("inspection 12", "Ligji 82/2024, 27"),
        ),
        ("reinstated", "registry-officer", "registry-officer", "mended", ""),
    ]
    assert [a["id"] for a in acts] == sorted(a["id"] for a in acts)


def test_acts_come_in_pages(administrator: httpx.Client) -> None:
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = administrator.get("/acts", params={"after": after, "limit": 3}).json()
        seen += [act["id"] for act in page["items"]]
        after = page["next"]
    everything = administrator.get("/acts", params={"limit": 500}).json()["items"]
    assert seen == [act["id"] for act in everything]

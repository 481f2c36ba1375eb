"""What holds for every request that changes something: sent twice, sent late, sent in pages."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import text

from central import config as configuration
from central import db
from central.register.entities.service import ENTITY
from central.register.gateways.projection import GATEWAY
from central.register.products.service import PRODUCT
from tests.support.registry import Registry

pytestmark = pytest.mark.slow


def test_a_request_that_is_sent_again_is_done_once(centre: Registry) -> None:
    body = {"code": "ONCE", "name": "Once"}
    with centre.client() as officer:
        key = {"Idempotency-Key": "once-1"}
        first = officer.post("/api/v1/entities", json=body, headers=key)
        again = officer.post("/api/v1/entities", json=body, headers=key)
        other = officer.post("/api/v1/entities", json=body | {"name": "Other"}, headers=key)
        bare = officer.post("/api/v1/entities", json=body)
    assert first.status_code == 201
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["idempotency-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-used")
    assert bare.status_code == 409
    assert centre.sql("SELECT count(*) FROM act WHERE key = 'ONCE'") == [(1,)]


def test_ten_at_once_with_one_key_are_one(centre: Registry) -> None:
    body = {"code": "RACE", "name": "Race"}

    def send(_: int) -> httpx.Response:
        with centre.client() as officer:
            key = {"Idempotency-Key": "race-1"}
            return officer.post("/api/v1/entities", json=body, headers=key)

    centre.token("registry-officer")
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send, range(10)))
    assert {(each.status_code, each.text) for each in answers} == {(201, answers[0].text)}
    assert centre.sql("SELECT count(*) FROM act WHERE key = 'RACE'") == [(1,)]


def test_of_a_pin_not_even_a_digest_is_kept(centre: Registry) -> None:
    centre.invite("gramsh.line-7")
    person = {"code": "p-1", "gateway": "gramsh.line-7", "badge": "b-1", "roles": ["operator"]}
    with centre.client() as officer:
        for key, pin in (("pin-1", "1234"), ("pin-2", "4321")):
            body, headers = person | {"pin": pin}, {"Idempotency-Key": key}
            assert officer.post("/api/v1/people", json=body, headers=headers).status_code == 201
    digests = centre.sql("SELECT request FROM answered WHERE key IN ('pin-1', 'pin-2')")
    assert len(digests) == 2
    assert len(set(digests)) == 1


def test_a_refused_request_leaves_its_key_free(centre: Registry) -> None:
    key = {"Idempotency-Key": "late-1"}
    body = {"code": "UMG", "name": "again"}
    with centre.client() as officer:
        assert officer.post("/api/v1/entities", json=body, headers=key).status_code == 409
        fresh = body | {"code": "LATE"}
        assert officer.post("/api/v1/entities", json=fresh, headers=key).status_code == 201


def test_what_is_told_once_is_not_kept_for_a_second_time(centre: Registry) -> None:
    key = {"Idempotency-Key": "told-1"}
    with centre.client() as officer:
        body = {"gateway": "gramsh.line-9"}
        first = officer.post("/api/v1/invitations", json=body, headers=key)
        again = officer.post("/api/v1/invitations", json=body, headers=key)
    assert first.status_code == 201
    assert again.status_code == 409
    kept = centre.sql("SELECT body FROM answered WHERE key = 'told-1'")
    assert kept == [("",)]


def test_who_decides_on_what_has_changed_since_is_told(centre: Registry) -> None:
    with centre.client() as officer:
        seen = officer.get("/api/v1/licences/L-1").headers["etag"]
        reason = {"reason": "inspection"}
        known = {"If-Match": seen}
        suspended = officer.post("/api/v1/licences/L-1/suspend", json=reason, headers=known)
        late = officer.post("/api/v1/licences/L-1/reinstate", json=reason, headers=known)
        assert suspended.status_code == 200
        assert (late.status_code, late.json()["code"]) == (412, "stale")
        known = {"If-Match": suspended.headers["etag"]}
        back = officer.post("/api/v1/licences/L-1/reinstate", json=reason, headers=known)
        assert back.status_code == 200
        odd = officer.post("/api/v1/licences/L-1/suspend", json=reason, headers={"If-Match": "yes"})
        assert (odd.status_code, odd.json()["code"]) == (422, "refused")


def test_lists_come_in_pages_that_leave_nothing_out(centre: Registry) -> None:
    for number in range(5):
        centre.post("/api/v1/entities", {"code": f"PAGE-{number}", "name": "Page"})
    seen: list[str] = []
    cursor = ""
    while True:
        query = f"?limit=2&cursor={cursor}" if cursor else "?limit=2"
        page = centre.get(f"/api/v1/entities{query}")
        seen += [entity["code"] for entity in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == sorted(seen)
    assert seen == [row[0] for row in centre.sql("SELECT code FROM entity ORDER BY code")]
    assert centre.look("/api/v1/entities?cursor=%25%25").status_code == 422


def test_who_names_a_row_does_not_wait_for_who_acts_on_it(centre: Registry) -> None:
    """Acts wait for each other already: if they waited for rows too, two could wait in a ring."""
    centre.post("/api/v1/invitations", {"gateway": "gramsh.line-8"})
    centre.stop("plan")  # it would wait for the gateway's row
    engine = db.make_engine(configuration.load(centre.folder / "central.toml"))
    with engine.connect() as connection, connection.begin():
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '10s'"))
        GATEWAY.lock(connection, "gramsh.line-8", frozenset())
        ENTITY.require(connection, "UMG", lock=True)
        PRODUCT.require(connection, "M70", lock=True)
        named = {"code": "N-1", "kind": "site", "entity": "UMG", "name": "named"}
        began = time.monotonic()
        centre.post("/api/v1/places", named)
        line = {"code": "N-2", "kind": "line", "entity": "UMG", "name": "line", "parent": "N-1"}
        centre.post("/api/v1/places", line)
        why = {"reason": "moved", "gateway": "gramsh.line-8"}
        centre.post("/api/v1/places/N-2/gateway", why)
        assert time.monotonic() - began < 8, "nobody waited for the transaction to be ended"
    engine.dispose()
    centre.start("plan")

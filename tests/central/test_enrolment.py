"""An epoch begins by a one-time code and in no other way."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.contract.signed import SigningKey
from tests.support.peer import Peer
from tests.support.registry import Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
Line = Callable[..., Peer]


def enroll(centre: Registry, **body: Any) -> httpx.Response:
    fields = {"public": SigningKey.new().public.hex(), "reason": "new"} | body
    return centre.http().post("/enroll", json=fields)


def problem(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert (told["status"], told["code"]) == (status, code)
    assert {"type", "title", "detail", "where", "what_to_do"} <= told.keys()


def test_the_command_prints_a_code_that_works_once(centre: Registry) -> None:
    code = centre.run("invite", "cli.line", "--reason", "new disk").strip()
    first = enroll(centre, gateway="cli.line", code=code)
    assert first.status_code == 200
    told = first.json()
    assert (told["epoch"], told["previous_head"]) == (1, "0" * 64)
    assert {key["use"] for key in told["keys"]} == {"receipt", "plan"}
    problem(enroll(centre, gateway="cli.line", code=code), 403, "invitation-invalid")


def test_as_json_and_as_wrong_use(centre: Registry) -> None:
    told = json.loads(centre.run("invite", "cli.json", "--json", "--hours", "1"))
    assert told["gateway"] == "cli.json"
    centre.run("invite", "No Gateway", expect=2)


def test_only_a_hash_of_the_code_is_kept(centre: Registry) -> None:
    code = centre.invite("hash.line")
    rows = centre.sql("SELECT code_hash FROM invitation WHERE gateway = 'hash.line'")
    assert len(bytes(rows[-1][0])) == 32
    assert code not in centre.log()


def test_a_code_for_another_gateway_a_wrong_one_and_an_old_one(centre: Registry) -> None:
    code = centre.invite("right.line")
    problem(enroll(centre, gateway="wrong.line", code=code), 403, "invitation-invalid")
    problem(enroll(centre, gateway="right.line", code="AAAAA-BBBBB"), 403, "invitation-invalid")
    centre.sql("UPDATE invitation SET expires = now() WHERE gateway = 'right.line'")
    problem(enroll(centre, gateway="right.line", code=code), 403, "invitation-invalid")


def test_a_malformed_request(centre: Registry) -> None:
    problem(enroll(centre, gateway="Not A Name", code="x"), 422, "refused")
    problem(enroll(centre, gateway="a.b", code="long enough", more=1), 422, "refused")


def test_a_new_epoch_continues_the_head_and_loses_the_unreported(
    centre: Registry, line: Line
) -> None:
    peer = line(quantity=20)
    peer.good(1)
    peer.intent(3)  # 2 was skipped: no record speaks of it
    peer.deliver()
    old = peer.journal
    told = peer.enroll(reason="disk replaced")
    assert told["epoch"] == 2
    assert told["previous_head"] == old.heads[-1].hex()
    lost = centre.sql(
        "SELECT lower(l.span), upper(l.span) FROM loss l JOIN block b ON b.id = l.block"
        " WHERE b.order_code = %s ORDER BY l.span",
        peer.order,
    )
    first = peer.number(1)
    assert lost == [(first + 1, first + 2), (first + 3, first + 20)]
    assert centre.sql(
        "SELECT state FROM stream WHERE gateway = %s ORDER BY epoch", peer.gateway
    ) == [("closed",), ("live",)]
    plan = wait_for(
        "the next plan", lambda: peer.plans and peer.plans[-1].epoch == 2 and peer.plans[-1]
    )
    peer.accept()
    block = next(b for b in peer.plans[-1].blocks if b.order == peer.order)
    assert block.start >= first + 20, "a lost number is never issued again"
    assert block.end - block.start + 1 == 18, "as many as were lost"
    assert plan


def test_the_closed_epoch_is_answered_and_kept_as_evidence(centre: Registry, line: Line) -> None:
    peer = line()
    old = peer.journal
    peer.deliver()
    peer.enroll(reason="cloned")
    old.write(old.records[1].model_copy(update={"seq": 3}))
    peer.publish(old.batch(3, 3))
    receipt = peer.receipts.get(timeout=20)
    assert (receipt.epoch, receipt.committed, receipt.latch) == (1, 2, "closed")
    assert centre.sql("SELECT reason FROM evidence WHERE gateway = %s", peer.gateway) == [
        ("latched",)
    ]
    peer.accept()
    assert peer.deliver().committed == 2

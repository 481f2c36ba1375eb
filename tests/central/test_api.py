"""The write API: the token, and what is refused."""

from typing import Any

import httpx
import pytest

from tests.support.central import PACKAGE, Centre

pytestmark = pytest.mark.slow


def test_writing_needs_the_token(centre: Centre) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}):
        response = httpx.post(
            centre.url + "/api/entities", json={"code": "X", "name": "X"}, headers=headers
        )
        assert response.status_code == 401
        assert response.json()["code"] == "unauthorized"
        assert response.headers["content-type"] == "application/problem+json"


def test_the_token_is_in_no_log_and_its_file_is_ours_alone(centre: Centre) -> None:
    token = (centre.folder / "token").read_text().strip()
    assert (centre.folder / "token").stat().st_mode & 0o777 == 0o600
    assert token not in centre.log("serve")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/api/entities", {"code": "UMG", "name": "again"}, 409, "conflict"),
        ("/api/entities", {"code": "", "name": "x"}, 422, "refused"),
        ("/api/entities", {"code": "X", "name": "x", "ncage": "AIOIA"}, 422, "refused"),
        ("/api/licences/999/suspend", {"reason": "x"}, 404, "not-found"),
        ("/api/orders/none/hold", {"reason": "x"}, 404, "not-found"),
        ("/api/orders/none/hold", {}, 422, "refused"),
        ("/api/nothing", {}, 404, "http-404"),
    ],
)
def test_problems(centre: Centre, path: str, body: Any, status: int, code: str) -> None:
    assert centre.post(path, body, expect=status)["code"] == code


def test_a_product_whose_symbol_names_no_item(centre: Centre) -> None:
    body = {
        "code": "BAD",
        "entity": "UMG",
        "model": "BAD",
        "components": [{"name": "carton"}],
        "template": {"content": "no envelope {serial}"},
    }
    told = centre.post("/api/products", body, expect=422)
    assert "names no item" in told["detail"]


def test_packages_have_a_lot_and_contents(centre: Centre) -> None:
    centre.post("/api/invitations", {"gateway": "pack.line"})
    centre.post(
        "/api/products",
        {
            "code": "9x19",
            "entity": "UMG",
            "model": "9x19 FMJ",
            "kind": "package",
            "components": [{"name": "carton"}],
            "template": {"content": PACKAGE, "serial_prefix": "C"},
        },
    )
    order = {
        "code": "P-1",
        "product": "9x19",
        "quantity": 5,
        "gateways": ["pack.line"],
        "job": "CARTON",
    }
    centre.post("/api/orders", order, expect=422)
    centre.post("/api/orders", order | {"contents": 50}, expect=422)
    centre.post("/api/orders", order | {"contents": 50, "lot": "XYZ07D006-004"})


def test_no_order_without_a_licence_in_force(centre: Centre) -> None:
    centre.post("/api/entities", {"code": "NEW", "name": "New"})
    centre.post(
        "/api/products",
        {
            "code": "N-1",
            "entity": "NEW",
            "model": "N",
            "components": [{"name": "receiver"}],
            "template": {"content": "[)>\x1e06\x1d17VA7G3H\x1d1PN\x1dS{serial}\x1e\x04"},
        },
    )
    order = {"code": "N-1", "product": "N-1", "quantity": 1, "gateways": ["base.line"], "job": "J"}
    assert centre.post("/api/orders", order, expect=403)["code"] == "not-licensed"


def test_the_interface_describes_itself(centre: Centre) -> None:
    paths = centre.get("/openapi.json")["paths"]
    assert {"/enroll", "/api/orders", "/api/licences/{licence}/suspend"} <= paths.keys()

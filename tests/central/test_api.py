"""The write API: what is refused, in words."""

from typing import Any

import pytest

from tests.support.registry import PACKAGE, TEMPLATE, Registry

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/api/v1/entities", {"code": "UMG", "name": "again"}, 409, "conflict"),
        ("/api/v1/entities", {"code": "", "name": "x"}, 422, "refused"),
        ("/api/v1/entities", {"code": "X", "name": "x", "ncage": "AIOIA"}, 422, "refused"),
        ("/api/v1/licences/NONE/suspend", {"reason": "x"}, 404, "not-found"),
        ("/api/v1/orders/none/pause", {"reason": "x"}, 404, "not-found"),
        ("/api/v1/orders/none/pause", {}, 422, "refused"),
        ("/api/nothing", {}, 404, "http-404"),
    ],
)
def test_problems(centre: Registry, path: str, body: Any, status: int, code: str) -> None:
    assert centre.post(path, body, expect=status)["code"] == code


def test_a_product_whose_symbol_names_no_item(centre: Registry) -> None:
    body = {
        "code": "BAD",
        "entity": "UMG",
        "model": "BAD",
        "components": [{"name": "carton"}],
        "template": {"content": "no envelope {serial}"},
    }
    told = centre.post("/api/v1/products", body, expect=422)
    assert "names no item" in told["detail"]


def test_packages_have_a_lot_and_contents(centre: Registry) -> None:
    centre.post("/api/v1/invitations", {"gateway": "pack.line"})
    centre.post(
        "/api/v1/products",
        {
            "code": "9x19",
            "entity": "UMG",
            "model": "9x19 FMJ",
            "kind": "package",
            "components": [{"name": "carton"}],
            "template": {"content": PACKAGE, "serial_prefix": "C"},
        },
    )
    centre.approve("9x19")
    order = {
        "code": "P-1",
        "product": "9x19",
        "quantity": 5,
        "gateways": ["pack.line"],
        "job": "CARTON",
    }
    centre.post("/api/v1/orders", order, expect=422)
    centre.post("/api/v1/orders", order | {"contents": 50}, expect=422)
    centre.post("/api/v1/orders", order | {"contents": 50, "lot": "XYZ07D006-004"})


PIECES = [{"name": "receiver", "symbol": "R"}, {"name": "barrel", "symbol": "B"}]
NO_CODE = "[)>\x1e06\x1d17VA7G1H\x1d1PM70\x1dS{serial}\x1e\x04"


@pytest.mark.parametrize(
    ("product", "faults"),
    [
        (
            {"components": PIECES, "template": {"content": NO_CODE.replace("{serial}", "7")}},
            ["content holds {serial}", "content holds {component}"],
        ),
        (
            {"components": [PIECES[0], {"name": "receiver", "symbol": "R", "job": ""}]},
            ["a name of its own", "a symbol of its own", "its job has 1 to 200"],
        ),
        (
            {
                "components": PIECES,
                "template": {"content": NO_CODE[:-2] + "\x1d21L{component}\x1e\x04"},
            },
            ["receiver: the symbol carries R in element 20P", "barrel: the symbol carries B"],
        ),
        (
            {
                "components": PIECES,
                "template": {"content": TEMPLATE.replace("S{serial}", "S{component}{serial}")},
            },
            ["all pieces are one"],
        ),
        ({"kind": "package", "components": PIECES}, ["a package is one piece"]),
        ({"components": PIECES, "tray": 1001}, ["less than or equal to 1000"]),
    ],
)
def test_a_product_tells_all_its_faults(centre: Registry, product: Any, faults: list[str]) -> None:
    body = {"code": "F", "entity": "UMG", "model": "F", "template": {"content": TEMPLATE}}
    detail = centre.post("/api/v1/products", body | product, expect=422)["detail"]
    assert all(fault in detail for fault in faults), detail


@pytest.mark.parametrize(
    ("order", "faults"),
    [
        (
            {"verify": {"mode": "eye", "every": 3}, "contents": 5, "tray": 11},
            ["eye needs a reason", "every stands with", "for packages", "more than the order's 10"],
        ),
        ({"verify": {"mode": "sample"}}, ["sample needs every"]),
        (
            {"gateways": ["base.line", {"name": "base.line", "components": ["slide"]}]},
            ["base.line stands twice", "there is no component slide"],
        ),
        (
            {"gateways": [{"name": "base.line", "components": []}]},
            ["marks nothing and reads nothing", "no gateway marks receiver"],
        ),
        ({"gateways": [{"name": "base.line", "reads": True}]}, ["where verify is elsewhere"]),
        ({"gateways": [{"name": "base.line", "does": 1}]}, ["does"]),
    ],
)
def test_an_order_tells_all_its_faults(centre: Registry, order: Any, faults: list[str]) -> None:
    body = {"code": "F", "product": "M70", "quantity": 10, "gateways": ["base.line"], "job": "J"}
    detail = centre.post("/api/v1/orders", body | order, expect=422)["detail"]
    assert all(fault in detail for fault in faults), detail


def test_a_products_tray_is_its_orders_unless_they_say_another(centre: Registry) -> None:
    centre.post(
        "/api/v1/products",
        {
            "code": "TRAY",
            "entity": "UMG",
            "model": "TRAY",
            "components": [{"name": "carton"}],
            "template": {"content": NO_CODE.replace("M70", "TRAY")},
            "tray": 4,
        },
    )
    centre.approve("TRAY")
    order = {"product": "TRAY", "quantity": 8, "gateways": ["base.line"], "job": "J"}
    centre.post("/api/v1/orders", order | {"code": "TRAY-1"})
    centre.post("/api/v1/orders", order | {"code": "TRAY-2", "tray": 2})
    rows = centre.sql("SELECT code, tray FROM orders WHERE product = 'TRAY' ORDER BY code")
    assert rows == [("TRAY-1", 4), ("TRAY-2", 2)]


def test_no_order_without_a_licence_in_force(centre: Registry) -> None:
    centre.post("/api/v1/entities", {"code": "NEW", "name": "New"})
    centre.post(
        "/api/v1/products",
        {
            "code": "N-1",
            "entity": "NEW",
            "model": "N",
            "components": [{"name": "receiver"}],
            "template": {"content": "[)>\x1e06\x1d17VA7G3H\x1d1PN\x1dS{serial}\x1e\x04"},
        },
    )
    order = {"code": "N-1", "product": "N-1", "quantity": 1, "gateways": ["base.line"], "job": "J"}
    assert centre.post("/api/v1/orders", order, expect=403)["code"] == "not-licensed"


def test_the_interface_describes_itself(centre: Registry) -> None:
    paths = centre.get("/openapi.json")["paths"]
    assert {"/enroll", "/api/v1/orders", "/api/v1/licences/{number}/suspend"} <= paths.keys()

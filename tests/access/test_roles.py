"""Every endpoint with every role, by the one table of who may do what."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from central.access.roles import OF_AN_ENTITY, RIGHTS, Right, Role, Scope
from central.app import interface
from tests.support.registry import Registry

pytestmark = pytest.mark.slow

OPEN = {
    ("POST", "/enroll"),
    ("POST", "/api/v1/setup"),
    ("POST", "/api/v1/sessions"),
    ("GET", "/api/v1/rights"),
    ("POST", "/api/v1/batches"),
    ("POST", "/api/v1/questions"),
    ("GET", "/api/v1/public/entities"),
    ("GET", "/api/v1/public/entities/{code}"),
    ("GET", "/api/v1/public/licences"),
    ("GET", "/api/v1/public/licences/{number}"),
    ("GET", "/api/v1/public/exclusions"),
    ("GET", "/api/v1/public/statistics"),
}
"""Endpoints that need no token: a one-time code, a password or a signature, or nothing that is not
public."""


def routes() -> Iterator[tuple[str, str, Right | None]]:
    """Every endpoint: method, path, and the right that it needs."""
    for route in iter_route_contexts(interface().routes):
        told = getattr(route, "openapi_extra", None) or {}
        for method in sorted(route.methods or ()):
            yield (
                method,
                str(route.path_format),
                Right(told["x-right"]) if "x-right" in told else None,
            )


@cache
def closed() -> list[tuple[str, str, Right]]:
    """Return every endpoint that needs a right; the first test that asks builds the interface."""
    return [(method, path, right) for method, path, right in routes() if right is not None]


def ask(http: httpx.Client, method: str, path: str) -> httpx.Response:
    """With parameters that lead nowhere; a body that no endpoint takes."""
    for name in ("epoch", "seq"):
        path = path.replace("{" + name + "}", "999")
    filled = path.replace("{gateway}", "no.gateway").replace("{number}", "999")
    while "{" in filled:
        filled = filled[: filled.index("{")] + "none" + filled[filled.index("}") + 1 :]
    if path.endswith("/live"):
        with http.stream(method, filled) as response:
            return response
    return http.request(method, filled, json={} if method == "POST" else None)


def test_every_endpoint_needs_a_right_or_is_named_here() -> None:
    assert {(method, path) for method, path, right in routes() if right is None} == OPEN


def test_every_right_is_somebodys_and_needed_somewhere() -> None:
    assert RIGHTS.keys() == set(Right)
    assert {right for _, _, right in closed()} == set(Right)
    for right, roles in RIGHTS.items():
        for role, scope in roles.items():
            if role in OF_AN_ENTITY:
                assert scope is Scope.OWN, (right, role)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_reaches_what_the_table_says_and_nothing_else(centre: Registry, role: Role) -> None:
    entity = "UMG" if role in OF_AN_ENTITY else None
    with centre.client(role, entity) as http:
        for method, path, right in closed():
            status = ask(http, method, path).status_code
            if role in RIGHTS[right]:
                assert status not in (401, 403, 500), (method, path, status)
            else:
                assert status == 403, (method, path, status)


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic eDp5", "Bearer", "x"])
def test_without_a_token_nothing_is_told(centre: Registry, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    with centre.http(headers=headers) as http:
        for method, path, _ in closed():
            response = ask(http, method, path)
            assert response.status_code == 401, (method, path)
            if not path.endswith("/live"):
                assert response.json()["code"] == "unauthorized"


BODIES = {
    "malformed": b'{"no": ',
    "unreadable": b'{"no": "\xff"}',
    "too large": b" " * (1024 * 1024 + 1),
}


@pytest.mark.parametrize("content", BODIES.values(), ids=BODIES)
def test_nothing_of_a_request_is_read_before_it_is_known_who_asks(
    centre: Registry, content: bytes
) -> None:
    """Neither its body nor its address, its query or its headers; nor for who has not the right."""
    odd = {"Idempotency-Key": "a b", "If-Match": "?", "Content-Type": "application/json"}
    nobody = centre.http(headers=odd)
    with nobody, centre.client("operator", "UMG") as operator:
        for method, path, right in closed():
            named = re.sub(r"\{\w+\}", "%00", path) + "?limit=x&cursor=%25&after=x&q="
            for http in [nobody] + [operator] * (Role.OPERATOR not in RIGHTS[right]):
                response = http.request(method, named, content=content, headers=odd)
                told = (401, "unauthorized") if http is nobody else (403, "forbidden")
                assert (response.status_code, response.json()["code"]) == told, (method, path)


def test_whoever_asks_is_told_what_is_malformed(centre: Registry) -> None:
    """So that the test above does not pass for want of anything to find."""
    expected = {"malformed": 422, "unreadable": 400, "too large": 413}
    with centre.client() as officer:
        for name, content in BODIES.items():
            headers = {"Content-Type": "application/json"}
            answer = officer.post("/api/v1/entities", content=content, headers=headers)
            assert answer.status_code == expected[name]


@pytest.mark.parametrize("role", sorted(OF_AN_ENTITY))
def test_another_entitys_token_sees_nothing_of_this_one(centre: Registry, role: Role) -> None:
    def told(http: httpx.Client, path: str) -> Any:
        response = http.get(path)
        return response.json() if response.status_code == 200 else response.status_code

    theirs = {
        "/api/v1/entities": "entities/UMG",
        "/api/v1/licences": "licences/L-1",
        "/api/v1/products": "products/M70",
        "/api/v1/orders": "orders/G-1",
    }
    with centre.client(role, "UMG") as mine, centre.client(role, "KMP") as others:
        for listing, one in theirs.items():
            if role not in RIGHTS[Right.READ_SUBJECTS] and listing != "/api/v1/orders":
                continue
            assert told(mine, f"/api/v1/{one}") != 404, one
            assert told(others, f"/api/v1/{one}") == 404, one
            codes = str(told(others, listing))
            for code in ("UMG", "L-1", "M70", "G-1"):
                assert code not in codes, (listing, codes)


def test_a_producer_enters_products_of_its_own_only(centre: Registry) -> None:
    product = {
        "code": "P-1",
        "entity": "UMG",
        "model": "P",
        "components": [{"name": "receiver"}],
        "template": {"content": "[)>\x1e06\x1d17VA7G1H\x1d1PP\x1dS{serial}\x1e\x04"},
    }
    with centre.client("producer-officer", "KMP") as other:
        response = other.post("/api/v1/products", json=product)
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert centre.sql("SELECT * FROM product WHERE code = 'P-1'") == []
    with centre.client("producer-officer", "UMG") as own:
        assert own.post("/api/v1/products", json=product).status_code == 201

"""Whatever can be listed is exported whole: the same rows, filters and visibility."""

import base64
import csv
import io
import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from central.api.description import operations
from central.api.export import CutShort, exporting, in_list
from central.app import interface
from tests.support.registry import Registry

pytestmark = pytest.mark.slow


def lists() -> list[str]:
    """Return the path of every list that has an export."""
    return sorted(
        path
        for path, method, told in operations(interface().openapi())
        if method == "get" and "{" not in path and "text/csv" in told["responses"]["200"]["content"]
    )


def follow(http: httpx.Client, path: str, limit: int) -> list[dict[str, Any]]:
    """All pages, as a caller reads them."""
    found: list[dict[str, Any]] = []
    first = f"{path}{'&' if '?' in path else '?'}limit={limit}"
    answer = http.get(first).json()
    while True:
        found += answer.get("items", answer.get("rows"))
        following = answer.get("next")
        if following is None:
            return found
        name = "after" if isinstance(following, int) else "cursor"
        answer = http.get(f"{first}&{name}={following}").json()


def asked(path: str, form: str) -> str:
    return f"{path}?{NEEDS.get(path, '')}format={form}"


def test_every_list_is_exported_as_it_is_listed(centre: Registry) -> None:
    paths = lists()
    assert paths
    for path in paths:
        with centre.client("administrator" if path in OF_ACCOUNTS else "registry-officer") as http:
            listed = follow(http, asked(path, "json"), 2)
            lines = http.get(asked(path, "jsonl"))
            table = http.get(asked(path, "csv") + "&limit=3")
        assert lines.headers["content-type"] == "application/jsonl", path
        assert table.headers["content-type"] == "text/csv; charset=utf-8", path
        exported = [json.loads(line) for line in lines.text.splitlines()]
        if path not in MOVING:
            assert exported == listed, path
        read = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
        assert len(read) == len(exported) + 1, path
        for row in exported:
            assert set(row) <= set(read[0]), path


def orders() -> dict[str, list[str]]:
    """Return the orders in which each path can be sorted."""
    return {
        path: next(each["schema"]["enum"] for each in told["parameters"] if each["name"] == "sort")
        for path, method, told in operations(interface().openapi())
        if method == "get" and any(each["name"] == "sort" for each in told["parameters"])
    }


@pytest.fixture(scope="module")
def several(centre: Registry) -> Registry:
    """With rows that have no value in some columns, and equal ones in others."""
    entities: list[dict[str, str]] = [
        {"code": "E-1", "name": "Same", "tax_number": "K12345678A"},
        {"code": "E-2", "name": "Same"},
        {"code": "E-3", "name": "Other", "tax_number": "J12345678A"},
    ]
    for each in entities:
        centre.post("/api/v1/entities", each)
    whole = {"kind": "entity", "ground": "violation", "legal_basis": "law", "name": "Nobody"}
    begins = "2026-01-01T00:00:00Z"
    for number, until in (("X-1", None), ("X-2", "2030-01-01T00:00:00Z"), ("X-3", None)):
        more = {"number": number, "valid_from": begins, "valid_until": until, "reason": "law"}
        centre.decide("/api/v1/exclusions", whole | more)
    return centre


def test_in_whatever_order_pages_hold_each_row_once(several: Registry) -> None:
    """Backwards is forwards turned round, but for what has no value: that comes last either way."""
    sorts = [(path, name) for path, names in orders().items() for name in names[::2]]
    assert sorts
    with several.client() as http:
        for path, name in sorts:
            column = name.removeprefix("-")
            up, down = (follow(http, f"{path}?sort={sort}{column}", 2) for sort in ("", "-"))
            answer = http.get(f"{path}?sort={column}&limit=500").json()
            whole = answer[in_list(answer)]
            if path not in MOVING:
                assert up == whole, (path, column)
            keys = [[json.dumps(row) for row in rows] for rows in (up, down)]
            if path in MOVING:
                keys = [[row["name"] for row in rows] for rows in (up, down)]
            assert len(set(keys[0])) == len(up) == len(down), (path, column)
            told = [row for row in up if row.get(column, "") is not None]
            assert up[: len(told)] == told, (path, column)
            assert keys[1][: len(told)] == keys[0][: len(told)][::-1], (path, column)


def test_a_place_in_one_order_is_none_in_another(several: Registry) -> None:
    cursor = several.get("/api/v1/entities?sort=name&limit=1")["next"]
    assert several.get(f"/api/v1/entities?sort=name&cursor={cursor}")["items"]
    for other in ("-name", "code", "state"):
        answer = several.look(f"/api/v1/entities?sort={other}&cursor={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (422, "refused")
    nowhere = base64.urlsafe_b64encode(b'["name","no.such"]').decode().rstrip("=")
    answer = several.look(f"/api/v1/gateways?sort=name&cursor={nowhere}")
    assert (answer.status_code, answer.json()["code"]) == (422, "refused")


ITEMS = "/api/v1/items"
NEEDS = {ITEMS: "order=G-1&", "/api/v1/lots/uses": "number=1&"}
"""What a list is not told without."""
OF_ACCOUNTS = {"/api/v1/accounts", "/api/v1/tokens"}
MOVING = {"/api/v1/gateways"}
"""What tells of this very moment."""


def test_every_page_has_its_export() -> None:
    """So that a list that comes later is not forgotten."""
    paged = {
        path
        for path, method, told in operations(interface().openapi())
        if method == "get" and any(each["name"] == "cursor" for each in told["parameters"])
    }
    exported = {
        path
        for path, method, told in operations(interface().openapi())
        if method == "get" and any(each["name"] == "format" for each in told["parameters"])
    }
    assert paged - exported == set()
    assert {"/api/v1/acts", "/api/v1/balances"} <= exported


def test_nobody_exports_what_is_anothers(centre: Registry) -> None:
    with centre.client("producer-officer", "KMP") as other:
        assert other.get("/api/v1/orders?format=jsonl").text == ""
        entities = other.get("/api/v1/entities?format=jsonl").text.splitlines()
        assert [json.loads(line)["code"] for line in entities] == ["KMP"]
        assert other.get("/api/v1/acts?format=csv").status_code == 403
    assert centre.http().get("/api/v1/orders?format=csv").status_code == 401


@pytest.mark.parametrize(
    ("query", "where"),
    [("format=xml", "format"), ("format=csv&limit=0", "limit"), ("format=csv&cursor=x", "cursor")],
)
def test_what_is_wrong_is_told_before_anything_is_sent(
    centre: Registry, query: str, where: str
) -> None:
    answer = centre.look("/api/v1/entities?" + query)
    assert (answer.status_code, answer.json()["code"]) == (422, "refused")
    assert where in answer.json()["detail"] + answer.json()["where"]
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_list_that_cannot_be_read_on_does_not_end_as_if_it_were_whole() -> None:
    async def handle(request: Request) -> Response:
        if "cursor" in request.query_params:
            return JSONResponse({"code": "unauthorized"}, 401)
        return JSONResponse({"items": [{"a": 1}], "next": "further"})

    app = Starlette(routes=[Route("/list", exporting(handle, ["a"]))])

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://register") as http:
        with pytest.raises(CutShort, match="401"):
            await http.get("/list?format=jsonl")

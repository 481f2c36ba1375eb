"""Every question that the interface takes, put to a generated register by itself: each GET route,
and each of its filters alone, with values that are there.

What the routes are, their own description says; a parameter for which no value stands here is an
error, so that a new filter is asked for too.
"""

import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
from sqlalchemy import Engine

from central.access.accounts import ACCOUNT, NewAccount, open_account
from central.access.roles import Role
from central.access.tokens import NewToken, issue
from central.api.description import operations
from central.app import create_app, interface
from central.config import Config
from central.pools import Pools
from central.register.acts import By, Work

PAGES = frozenset({"limit", "cursor", "format", "after"})
"""How much of a list, and from where: not which rows."""
NOT_ASKED = frozenset({"/api/v1/live", "/api/v1/rights", "/api/v1/public/statistics"})
"""A stream without an end; a table that is in no database; and what is counted over all marks, once
a day and by nobody's request."""

# By parameter, an SQL expression for a value; by path and parameter where that differs.
_VALUES: Mapping[str, str] = {
    "entity": "'UMG'",
    "holder": "'FA'",
    "place": "'FA-depo'",
    "parent": "'UMG-site'",
    "sender": "'UMG'",
    "recipient": "'FA'",
    "carrier": "'TRANS'",
    "product": "'ASH78'",
    "licence": "'L-UMG'",
    "category": "'ML1'",
    "gateway": "(SELECT gateway FROM stream ORDER BY id LIMIT 1)",
    "epoch": "1",
    "seq": "(SELECT seq FROM claim ORDER BY stream, seq LIMIT 1)",
    "order": "(SELECT code FROM orders WHERE product = 'ASH78' ORDER BY code LIMIT 1)",
    "lot": "(SELECT lot FROM orders WHERE product = 'ASH78' ORDER BY code LIMIT 1)",
    "uii": "(SELECT max(uii) FROM item)",
    "q": "(SELECT max(uii) FROM item)",
    "article": "(SELECT max(code) FROM article WHERE kind = 'item')",
    "package": "(SELECT package FROM article WHERE package IS NOT NULL"
    " GROUP BY package ORDER BY count(*) DESC, package LIMIT 1)",
    "consignment": "(SELECT max(number) FROM consignment)",
    "subject": "'article'",
    "key": "(SELECT max(key) FROM act)",
    "account": "'generate'",
    "maker": "'Zastava'",
    "model": "'M70'",
    "inventory": "(SELECT max(inventory) FROM legacy)",
    "import": "(SELECT max(number) FROM imports)",
    "alike": "(SELECT max(code) FROM legacy)",
    "serial": "(SELECT max(serial) FROM item)",
    "exclusion": "'EX-1'",
    "inspection": "'IN-1'",
    "follows": "'IN-1'",
    "from": "'2024-01-01T00:00:00Z'",
    "until": "'2025-01-01T00:00:00Z'",
    "series": "'S-1'",
    "country": "'AL'",
    "tally": "1",
    "first": "1",
    "name": "(SELECT gateway FROM stream ORDER BY id LIMIT 1)",
    "id": "(SELECT max(id) FROM act)",
}
_OF_PATH: Mapping[tuple[str, str], str] = {
    ("/api/v1/acts", "key"): "(SELECT max(key) FROM act WHERE subject = 'event')",
    ("/api/v1/alerts", "subject"): "(SELECT max(subject) FROM alert)",
    ("/api/v1/legacy", "serial"): "(SELECT max(a.serial) FROM article a JOIN legacy USING (code))",
    ("/api/v1/accounts/{name}", "name"): "'administrator'",
    ("/api/v1/entities/{code}", "code"): "'UMG'",
    ("/api/v1/public/entities/{code}", "code"): "'UMG'",
    ("/api/v1/public/licences/{number}", "number"): "(SELECT number FROM licence LIMIT 1)",
    ("/api/v1/products/{code}", "code"): "'ASH78'",
    ("/api/v1/places/{code}", "code"): "'FA-depo'",
    ("/api/v1/licences/{number}", "number"): "'L-UMG'",
    ("/api/v1/articles/{code}/contents", "code"): _VALUES["package"],
    ("/api/v1/articles/{code}", "code"): _VALUES["article"],
    ("/api/v1/events/{number}", "number"): (
        "(SELECT number FROM event ORDER BY articles DESC, number LIMIT 1)"
    ),
    ("/api/v1/imports/{number}", "number"): _VALUES["import"],
    ("/api/v1/alerts/{number}", "number"): "(SELECT max(number) FROM alert)",
    ("/api/v1/certificates/{number}", "number"): (
        "(SELECT max(number) FROM certificate WHERE kind = 'acceptance')"
    ),
    ("/api/v1/counts/{number}", "number"): "'INV-1'",
    ("/api/v1/lots", "number"): _VALUES["lot"],
    ("/api/v1/lots/uses", "number"): _VALUES["lot"],
    ("/api/v1/lots/{code}", "code"): "(SELECT product || '/' || lot FROM orders LIMIT 1)",
    ("/api/v1/evidence/{number}/bytes", "number"): "1",
    ("/api/v1/batches/{number}", "number"): "1",
    ("/api/v1/exclusions/{number}", "number"): "'EX-1'",
    ("/api/v1/proposals/{number}", "number"): "'PR-1'",
    ("/api/v1/inspections/{number}", "number"): "'IN-1'",
    ("/api/v1/sanctions/{number}", "number"): "'SA-1'",
    ("/api/v1/consignments/{number}", "number"): _VALUES["consignment"],
}
_ONE_OF = frozenset({"/api/v1/acceptances"})
"""Asked for nothing, they refuse."""
_MORE: Mapping[str, tuple[str, ...]] = {
    "/api/v1/search": (
        *("SELECT lower(max(uii)) FROM item", "SELECT max(serial) FROM item"),
        *("SELECT max(code) FROM article WHERE kind = 'unit'", "SELECT max(lot) FROM orders"),
        *("SELECT max(inventory) FROM legacy", "SELECT max(number) FROM legacy"),
        *("SELECT gateway || '/1/3' FROM stream LIMIT 1", "SELECT 'there is none of it'"),
    ),
}
"""Further values of `q`, of which each is of another kind."""


ROLES: Mapping[str, str | None] = {
    "registry-officer": None,
    "producer-officer": "UMG",
    "administrator": None,
}
"""Who asks: for the registry, and for an entity."""
_OF_ACCOUNTS = ("/api/v1/accounts", "/api/v1/tokens")
Ask = Callable[[str, str], Coroutine[Any, Any, httpx.Response]]


def roles(path: str) -> tuple[str, ...]:
    """By whom a path is asked."""
    if path.startswith(_OF_ACCOUNTS):
        return ("administrator",)
    return tuple(role for role in ROLES if role != "administrator")


def tokens(engine: Engine) -> dict[str, str]:
    """By role, a token of an account that is opened where it is not there yet."""
    found = {}
    until = datetime.now(UTC) + timedelta(days=1)
    with engine.begin() as connection:
        work = Work(connection, By.program("test"))
        for name, entity in ROLES.items():
            role = Role(name)
            if ACCOUNT.load(connection, name) is None:
                new = NewAccount(name=name, person="Test", roles=(role,), entity=entity)
                open_account(work, new)
            asked = NewToken(account=name, role=role, purpose="test", until=until)
            found[name] = issue(work, asked).token
    return found


@asynccontextmanager
async def in_process(config: Config, engine: Engine) -> AsyncIterator[Ask]:
    """The interface in this process, so that what it executes can be heard: `ask(role, query)`."""
    app, mine = create_app(config, Pools(engine, engine, engine, engine)), tokens(engine)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://register", timeout=600
        ) as http,
    ):

        async def ask(role: str, query: str) -> httpx.Response:
            return await http.get(query, headers={"Authorization": f"Bearer {mine[role]}"})

        yield ask


def following(query: str, answer: httpx.Response) -> str | None:
    """The page that follows on a list's first, if there is one."""
    if not answer.headers["content-type"].startswith("application/json"):
        return None
    told = answer.json()
    cursor = told.get("next") if isinstance(told, dict) else None
    if cursor is None:
        return None
    name = "after" if isinstance(cursor, int) else "cursor"
    return f"{query}{'&' if '?' in query else '?'}{name}={cursor}"


def questions(url: str) -> Iterator[tuple[str, str]]:
    """(path as it is described, path and query as it is asked). Raises `LookupError` for a
    parameter that nobody has given a value here."""
    with psycopg.connect(url) as connection:
        ask = _Values(connection)
        for path, method, told in sorted(operations(interface().openapi()), key=lambda o: o[:2]):
            if method == "get" and path.startswith("/api/v1") and path not in NOT_ASKED:
                for query in _queries(ask, path, told["parameters"]):
                    yield path, query


def _queries(ask: "_Values", path: str, parameters: list[dict[str, Any]]) -> Iterator[str]:
    named = [each for each in parameters if each["in"] != "header" and each["name"] not in PAGES]
    address = re.sub(r"\{(\w+)\}", lambda place: ask(path, place[1]), path)
    filters = [each for each in named if each["in"] == "query"]
    needed = [f"{each['name']}={ask(path, each['name'])}" for each in filters if _required(each)]
    filters = [each for each in filters if not _required(each)]
    if path == "/api/v1/items":
        record = "&".join(f"{name}={ask(path, name)}" for name in ("gateway", "epoch", "seq"))
        yield f"{address}?{record}"
        filters = [each for each in filters if each["name"] in ("uii", "serial", "order")]
    elif path == "/api/v1/balances":
        period = "&".join(f"{name}={ask(path, name)}" for name in ("from", "until"))
        yield from (f"{address}?by={by}&{period}" for by in _values(ask, path, filters[0]))
        return
    elif path not in _ONE_OF:
        yield address + ("?" if needed else "") + "&".join(needed)
    for each in filters:
        for value in _values(ask, path, each):
            yield f"{address}?" + "&".join((*needed, each["name"] + "=" + value))
    for query in _MORE.get(path, ()):
        yield f"{address}?q={ask.of(query)}"


def _required(parameter: dict[str, Any]) -> bool:
    """`by` of a balance is asked with a period, in turn."""
    return bool(parameter.get("required")) and parameter["name"] != "by"


def _values(ask: "_Values", path: str, parameter: dict[str, Any]) -> list[str]:
    """All that it may be, where the description says so."""
    of = parameter["schema"]
    kinds = [of, *of.get("anyOf", ())]
    for kind in kinds:
        if "enum" in kind:
            return [str(value) for value in kind["enum"]]
        if "const" in kind:
            return [str(kind["const"])]
        if kind.get("type") == "boolean":
            return ["true", "false"]
    return [ask(path, parameter["name"])]


class _Values:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def __call__(self, path: str, name: str) -> str:
        whole = next(
            (
                query
                for (prefix, parameter), query in _OF_PATH.items()
                if parameter == name and (path == prefix or path.startswith(f"{prefix}/"))
            ),
            None,
        )
        if whole is None:
            if path.startswith("/api/v1/orders/{code}") and name == "code":
                whole = _VALUES["order"]
            elif name in _VALUES:
                whole = _VALUES[name]
            else:
                raise LookupError(f"{path}: give a value for {name}")
        return self.of(f"SELECT {whole}")

    def of(self, query: str) -> str:
        row = self._connection.execute(query.encode()).fetchone()
        assert row is not None, query
        return str(row[0])

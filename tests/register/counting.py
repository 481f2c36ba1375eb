"""A depot whose stock is counted: people with accounts of their own, and what they do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.register.imported import csv, weapon
from tests.support.registry import Registry


def soon(hours: float = 1) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


class Depot:
    """Sites DEP.1 with a store and a bay, and UMG.GR; each test counts a store of its own."""

    def __init__(self, centre: Registry) -> None:
        self.centre = centre
        self._tokens: dict[str, str] = {}
        self._events = 0
        self._weapons = 0
        centre.standard()  # with the entity UMG
        centre.post("/api/v1/entities", {"code": "DEP", "name": "Depoja Qendrore"})
        for code, entity in (("DEP.1", "DEP"), ("UMG.GR", "UMG")):
            self.place(code, "site", entity, None)

    def place(self, code: str, kind: str, entity: str = "DEP", parent: str | None = "DEP.1") -> str:
        body = {"code": code, "name": code, "kind": kind, "entity": entity, "parent": parent}
        self.centre.post("/api/v1/places", body)
        return code

    def client(
        self, name: str, role: str = "warehouse", entity: str | None = "DEP", person: str = ""
    ) -> httpx.Client:
        """Somebody with an account of their own; the same one when asked again."""
        if name not in self._tokens:
            with self.centre.client("administrator") as http:
                account = {"name": name, "person": person or f"Person {name}", "roles": [role]}
                told = http.post("/api/v1/accounts", json=account | {"entity": entity})
                assert told.status_code == 201, told.text
                asked = {"account": name, "role": role, "purpose": "test", "until": soon(24)}
                self._tokens[name] = http.post("/api/v1/tokens", json=asked).json()["token"]
        headers = {"Authorization": f"Bearer {self._tokens[name]}"}
        return self.centre.http(headers=headers)

    def stock(self, place: str, count: int, number: str, **more: str) -> list[str]:
        """So many weapons of before; their codes in the order of their inventory numbers."""
        first = self._weapons + 1
        self._weapons += count
        rows = [weapon(first + at, place=place, **more) for at in range(count)]
        self.imported(number, "articles", csv(rows))
        found = self.centre.sql(
            "SELECT code FROM legacy WHERE import_number = %s ORDER BY line", number
        )
        return [code for (code,) in found]

    def imported(self, number: str, kind: str, content: bytes) -> None:
        with self.centre.client() as officer:
            answer = officer.post(
                "/api/v1/imports",
                params={"number": number, "kind": kind, "file": f"{number}.csv"},
                content=content,
                timeout=120,
            )
        assert (answer.status_code, answer.json()["refused"]) == (201, 0), answer.text

    def told(self, what: str, *articles: str, **more: Any) -> str:
        self._events += 1
        number = f"E-{self._events}"
        body = {"number": number, "what": what, "happened": datetime.now(UTC).isoformat()}
        answer = self.centre.post("/api/v1/events", body | {"articles": articles, **more})
        assert answer["flags"] == []
        return number

    def do(self, name: str, number: str, step: str, expect: int = 200, **body: Any) -> Any:
        """Somebody's step on a count."""
        if step != "scan":
            body = {"reason": "inventory", **body}
        with self.client(name) as http:
            answer = http.post(f"/api/v1/counts/{number}/{step}", json=body)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def open(self, number: str, place: str, by: str = "chief", **more: Any) -> None:
        """Planned and opened by a warehouse officer."""
        body = {"number": number, "place": place, "kind": "full", "due": soon(), **more}
        with self.client(by) as http:
            answer = http.post("/api/v1/counts", json=body | {"reason": "yearly inventory"})
        assert answer.status_code == 201, answer.text
        self.do(by, number, "open")

    def counted(
        self, number: str, *tallies: list[str], by: tuple[str, str] = ("ana", "ben"), **more: Any
    ) -> Any:
        """Two tallies, handed in."""
        told = None
        for name, codes in zip(by, tallies, strict=True):
            self.do(name, number, "scan", codes=codes, **more)
            told = self.do(name, number, "hand-in")
        return told

    def lines(self, number: str, **query: str) -> dict[str, dict[str, Any]]:
        """By code."""
        with self.centre.client() as officer:
            answer = officer.get(
                f"/api/v1/counts/{number}/articles", params={"limit": "500", **query}
            )
        return {each["code"]: each for each in answer.json()["items"]}

    def results(self, number: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for code, line in self.lines(number).items():
            found.setdefault(line["result"], []).append(code)
        return found

    def outcomes(self, told: Any) -> dict[str, int]:
        """Those that are not nought."""
        return {name: count for name, count in told["outcomes"].items() if count}

"""Telling the register of articles: events one after another, and what they have to be first."""

from datetime import UTC, datetime
from typing import Any

from tests.support.registry import Registry

UII = "DA7G1HM70G0000{:02}"
"""Of the standard product, by the index of its mark."""


class Told:
    """Events one after another, each with a number of its own."""

    def __init__(self, centre: Registry) -> None:
        self.centre = centre
        self.count = centre.sql("SELECT count(*) FROM event")[0][0]

    def __call__(
        self, what: str, *articles: str, role: str = "registry-officer", **more: Any
    ) -> dict[str, Any]:
        self.count += 1
        entity = more.pop("by", None)
        body = {
            "number": f"E-{self.count}",
            "what": what,
            "happened": datetime.now(UTC).isoformat(),
            "articles": list(articles),
            **more,
        }
        with self.centre.client(role, entity) as http:
            answer = http.post("/api/v1/events", json=body)
        if answer.status_code == 202:  # what needs a second person
            self.centre.confirm(answer.json()["number"])
            return dict(self.centre.get(f"/api/v1/events/{body['number']}"))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


def flags(event: dict[str, Any]) -> dict[str, str]:
    return {flag["article"]: flag["verdict"] for flag in event["flags"]}


def accept(centre: Registry, *uiis: str) -> None:
    centre.post(
        "/api/v1/certificates",
        {
            "number": f"AC-{uiis[0]}",
            "kind": "acceptance",
            "institution": "Proof house",
            "items": list(uiis),
            "result": "passed",
            "issued": datetime.now(UTC).isoformat(),
            "document": "ab" * 32,
        },
    )

"""Inspections and sanctions on the real programs: what they change at once, and who sees them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from central.register.acts import By, Work
from central.register.sanctions import service
from central.register.sanctions.models import NewSanction
from tests.crash.site import Site
from tests.support.registry import Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
DAY = timedelta(days=1)
WHY = {"reason": "vendimi 7"}


def act(centre: Registry, path: str, body: Any = None, *, role: str = "inspector") -> Any:
    """Done by somebody of that role; returns the answer, whatever it is."""
    with centre.client(role) as http:
        return http.post(f"/api/v1/{path}", json=body)


def inspect(centre: Registry, number: str, **more: Any) -> None:
    """An inspection of UMX that has found a fault."""
    body = {
        "number": number,
        "entity": "UMX",
        "kind": "planned",
        "planned_for": datetime.now(UTC).isoformat(),
        "inspectors": ["Arben Hoxha"],
        "checklist": ["marks are legible"],
    }
    found = {"results": [{"result": "fault", "remark": "faint"}], "findings": ["a worn lens"]}
    assert act(centre, "inspections", body | more).status_code == 201
    assert act(centre, f"inspections/{number}/begin", WHY).status_code == 200
    assert act(centre, f"inspections/{number}/find", found).status_code == 200


def sanction(number: str, **more: Any) -> dict[str, Any]:
    asked = {"number": number, "entity": "UMX", "kind": "suspension", "basis": "article 12"}
    return {**asked, "reason": "a worn lens", **more}


def licence(centre: Registry, number: str, entity: str = "KMX") -> None:
    centre.add_licence(number, entity)


def states(centre: Registry, entity: str = "KMX") -> dict[str, str]:
    found = centre.get(f"/api/v1/licences?entity={entity}")["items"]
    return {each["number"]: each["state"] for each in found}


def soon(what: str, site: Site, code: str) -> None:
    wait_for(what, lambda: str(site.page.why_not or "") == code)


def test_a_sanction_after_an_inspection_stops_marking_and_lifting_it_lets_it_go_on(
    centre: Registry, site: Site
) -> None:
    inspect(centre, "I-1")
    told = centre.post("/api/v1/sanctions", sanction("S-1", inspection="I-1"))
    soon("the suspension", site, "licence-suspended")
    assert (told["licences"], told["inspection"]) == (["L-X"], "I-1")
    found = centre.get("/api/v1/licences/L-X")
    assert (found["state"], found["suspensions"]) == (
        "suspended",
        [{"sanction": "S-1", "until": None}],
    )
    centre.post("/api/v1/licences/L-X/reinstate", {"reason": "x"}, expect=409)
    centre.post("/api/v1/sanctions/S-1/lift", {"reason": "a new lens"})
    soon("the reinstatement", site, "")
    centre.post("/api/v1/sanctions/S-1/lift", {"reason": "again"}, expect=409)
    acts = centre.get("/api/v1/acts?subject=licence&key=L-X")["items"][-2:]
    assert [(a["what"], a["basis"]) for a in acts] == [
        ("suspended", "article 12"),
        ("reinstated", ""),
    ]


class Severed(Work):
    """A work whose connection the database ends after so many acts."""

    def act(self, *arguments: Any, **more: Any) -> Any:
        done = super().act(*arguments, **more)
        left = self.connection.info["left"] = self.connection.info["left"] - 1
        if left == 0:
            pid = self.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with psycopg.connect(self.connection.info["url"], autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        return done


@pytest.mark.parametrize("acts", [1, 2, 3])
def test_a_sanction_stands_with_all_that_it_does_or_not_at_all(centre: Registry, acts: int) -> None:
    """The connection is lost after its own act, after the first licence's, before the commit."""
    for number in ("K-1", "K-2"):
        if number not in states(centre):
            licence(centre, number)
    engine = create_engine(centre.database.replace("postgresql://", "postgresql+psycopg://"))
    asked = NewSanction.model_validate(sanction("S-cut", entity="KMX"))
    before = centre.sql("SELECT count(*) FROM act")

    def impose() -> None:
        with engine.begin() as connection:
            connection.info.update(left=acts, url=centre.database)
            service.impose(Severed(connection, By("arben", "registry-officer")), asked)

    with pytest.raises(OperationalError):
        impose()
    engine.dispose()
    assert centre.sql("SELECT count(*) FROM act") == before
    assert centre.look("/api/v1/sanctions/S-cut").status_code == 404
    assert set(states(centre).values()) == {"active"}


def test_lifting_reinstates_what_it_suspended_and_nothing_else(centre: Registry) -> None:
    for number in ("M-1", "M-2", "M-3", "M-4", "M-5"):
        licence(centre, number, "UMX")
    centre.post("/api/v1/licences/M-2/suspend", {"reason": "an officer's own"})
    centre.decide("/api/v1/licences/M-5/revoke", {"reason": "over"})
    named = ["M-1", "M-2", "M-4"]
    centre.post("/api/v1/sanctions", sanction("S-2", licences=named))
    centre.post("/api/v1/sanctions", sanction("S-3", licences=["M-4"]))
    centre.decide("/api/v1/sanctions", sanction("S-4", kind="revocation", licences=["M-3"]))
    told = {number: state for number, state in states(centre, "UMX").items() if number[0] == "M"}
    assert told == {
        "M-1": "suspended",
        "M-2": "suspended",
        "M-3": "revoked",
        "M-4": "suspended",
        "M-5": "revoked",
    }
    centre.post("/api/v1/sanctions/S-2/lift", {"reason": "appeal"})
    told = {number: state for number, state in states(centre, "UMX").items() if number[0] == "M"}
    assert told == {
        "M-1": "active",
        "M-2": "suspended",
        "M-3": "revoked",
        "M-4": "suspended",
        "M-5": "revoked",
    }
    centre.post("/api/v1/licences/M-2/reinstate", {"reason": "mended"})
    centre.post("/api/v1/sanctions/S-3/lift", {"reason": "appeal"})
    assert states(centre, "UMX")["M-4"] == "active"
    centre.post("/api/v1/sanctions/S-4/lift", {"reason": "no"}, expect=409)


def test_an_exclusion_revokes_and_excludes_until_it_is_lifted(centre: Registry) -> None:
    centre.post("/api/v1/entities", {"code": "OUT", "name": "Uzina e larguar"})
    licence(centre, "O-1", "OUT")
    excluded = sanction("S-9", entity="OUT", kind="exclusion", ground="violation")
    centre.post("/api/v1/sanctions", excluded | {"ground": None}, expect=422)
    number = centre.post("/api/v1/sanctions", excluded, expect=202)["number"]
    assert states(centre, "OUT") == {"O-1": "active"}, "nobody excludes alone"
    assert centre.look("/api/v1/sanctions/S-9").status_code == 404
    assert centre.confirm(number)["effect"] == {
        "licences": ["O-1"],
        "entities": ["OUT"],
        "articles": None,
        "flagged": None,
    }
    assert centre.get("/api/v1/sanctions/S-9")["licences"] == ["O-1"]
    both = {("registry-officer", "second-officer")}
    told = "SELECT account, second FROM act WHERE key = ANY(%s)"
    assert set(centre.sql(told, ["S-9", "OUT/S-9"])) == both
    assert states(centre, "OUT") == {"O-1": "revoked"}
    assert centre.get("/api/v1/exclusions/S-9")["legal_basis"] == "article 12"
    now = datetime.now(UTC)
    times = {"valid_from": (now - DAY).isoformat(), "valid_until": (now + DAY).isoformat()}
    again = {"number": "O-2", "entity": "OUT", **times}
    assert centre.post("/api/v1/licences", again, expect=403)["code"] == "excluded"
    centre.post("/api/v1/sanctions/S-9/lift", {"reason": "the court"})
    assert centre.get("/api/v1/exclusions/S-9")["state"] == "lifted"
    centre.post("/api/v1/licences", again)
    assert states(centre, "OUT") == {"O-1": "revoked", "O-2": "active"}


def test_what_cannot_be_imposed_changes_nothing(centre: Registry) -> None:
    before = centre.sql("SELECT count(*) FROM act")
    inspected = sanction("S-no", inspection="I-none")
    centre.post("/api/v1/sanctions", inspected, expect=404)
    centre.post("/api/v1/sanctions", sanction("S-no", licences=["K-1"]), expect=404)
    revoked = sanction("S-no", kind="revocation", licences=["L-X", "M-5"])
    centre.post("/api/v1/sanctions", revoked, expect=409)
    assert centre.sql("SELECT count(*) FROM act") == before
    assert states(centre, "UMX")["L-X"] == "active"
    inspect(centre, "I-other", entity="KMX")
    centre.post("/api/v1/sanctions", sanction("S-no", inspection="I-other"), expect=422)


def test_measures_follow_and_the_inspection_is_closed(centre: Registry) -> None:
    inspect(centre, "I-2")
    ends = datetime.now(UTC) + timedelta(seconds=2)
    ordered = {
        "reason": "a worn lens",
        "basis": "article 9",
        "measures": [{"text": "a new lens", "deadline": ends.isoformat()}],
    }
    told = act(centre, "inspections/I-2/measures", ordered).json()
    assert [measure["state"] for measure in told["measures"]] == ["open"]
    assert act(centre, "inspections/I-2/close", WHY).status_code == 409
    wait_for("the deadline", lambda: datetime.now(UTC) > ends)
    late = centre.get("/api/v1/inspections?overdue=true")["items"]
    assert [(each["number"], each["measures"][0]["state"]) for each in late] == [("I-2", "overdue")]
    inspect(centre, "I-3", follows="I-2")
    assert [each["number"] for each in centre.get("/api/v1/inspections?follows=I-2")["items"]] == [
        "I-3"
    ]
    answer = act(centre, "inspections/I-2/measures/1/done", {"remark": "seen in I-3"})
    assert answer.json()["measures"][0]["state"] == "done"
    assert act(centre, "inspections/I-2/close", WHY).json()["state"] == "closed"
    assert centre.get("/api/v1/inspections?overdue=true")["items"] == []
    wrong = act(centre, "inspections", {"number": "I-4", "entity": "KMX", "follows": "I-2"})
    assert wrong.status_code == 422


def test_an_entity_reads_its_own_and_is_not_warned(centre: Registry) -> None:
    body = {
        "number": "I-5",
        "entity": "UMX",
        "kind": "unannounced",
        "planned_for": (datetime.now(UTC) + DAY).isoformat(),
        "inspectors": ["Arben Hoxha"],
    }
    assert act(centre, "inspections", body).status_code == 201
    centre.post("/api/v1/sanctions", sanction("S-5", kind="warning"))
    with centre.client("producer-officer", "UMX") as own:
        assert own.get("/api/v1/inspections/I-5").status_code == 404
        numbers = [each["number"] for each in own.get("/api/v1/inspections").json()["items"]]
        assert "I-5" not in numbers
        assert "I-2" in numbers
        assert act(centre, "inspections/I-5/begin", WHY).status_code == 200
        assert own.get("/api/v1/inspections/I-5").json()["state"] == "begun"
        assert own.get("/api/v1/sanctions/S-5").json()["kind"] == "warning"
    with centre.client("producer-officer", "KMX") as other:
        assert other.get("/api/v1/inspections/I-5").status_code == 404
        assert other.get("/api/v1/sanctions/S-5").status_code == 404
        assert other.get("/api/v1/sanctions").json()["items"] == []
    assert act(centre, "sanctions", sanction("S-6"), role="inspector").status_code == 403
    assert act(centre, "inspections/I-5/close", WHY, role="registry-officer").status_code == 403


def test_the_register_follows_from_the_acts(centre: Registry) -> None:
    told = json.loads(centre.run("rebuild", "--json"))
    assert told["identical"], told

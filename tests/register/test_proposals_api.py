"""A second person on the real programs: who may be it, what it takes effect on, and when."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, select

from central import config as configuration
from central import db, schema
from central.access import tokens
from central.access.deciding import may_decide, waiting_for
from central.errors import Conflict
from central.register.acts import By, Work
from central.register.asked import WithReason
from central.register.proposals import service
from central.register.proposals.rules import Proposal
from central.register.proposals.service import Wanted, changers
from tests.support.register import Register
from tests.support.registry import PASSWORD, PEOPLE, SECOND, Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
WHY = {"reason": "false declarations", "basis": "decision 31/2026"}
OFFICER = "registry-officer"


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened() as found:
        found.post("/api/v1/entities", {"code": "UMG", "name": "Uzina Mekanike"})
        yield found


def licence(centre: Registry, number: str) -> str:
    """Issued; returns the path that revokes it."""
    centre.add_licence(number, "UMG")
    return f"/api/v1/licences/{number}/revoke"


def state(centre: Registry, number: str) -> Any:
    return centre.get(f"/api/v1/licences/{number}")["state"]


def answer(http: httpx.Client, number: str, word: str = "confirm", **body: Any) -> tuple[int, str]:
    """What is answered to a word on a proposal: the status, and the problem's code."""
    told = http.post(f"/api/v1/proposals/{number}/{word}", json=body)
    return told.status_code, told.json().get("code", "")


def session(centre: Registry, name: str, person: str, role: str = OFFICER) -> httpx.Client:
    """Somebody else, who signs in by password."""
    with centre.client("administrator") as administrator:
        account = {"name": name, "person": person, "roles": [role], "password": PASSWORD}
        assert administrator.post("/api/v1/accounts", json=account).status_code == 201
        asked = {"account": name, "password": PASSWORD}
        token = administrator.post("/api/v1/sessions", json=asked).json()["token"]
    return centre.client(token=token)


def test_another_person_confirms_and_the_act_names_both(centre: Registry) -> None:
    path = licence(centre, "L-1")
    proposal = centre.post(path, WHY, expect=202)
    assert (proposal["state"], proposal["yours"], proposal["for_you"]) == ("open", True, False)
    assert proposal["asked"] == WHY
    assert proposal["effect"]["licences"] == ["L-1"]
    lasts = datetime.fromisoformat(proposal["until"]) - datetime.fromisoformat(proposal["created"])
    assert timedelta(days=7) - timedelta(minutes=1) < lasts <= timedelta(days=7)
    number = proposal["number"]
    assert state(centre, "L-1") == "active", "nothing is done by the first"
    assert centre.post(path, WHY, expect=409)["code"] == "already-proposed"
    with centre.client(token=centre.session(name=SECOND)) as second:
        assert second.get(f"/api/v1/proposals/{number}").json()["for_you"] is True
        assert answer(second, number, "withdraw", reason="x") == (403, "forbidden")
        assert answer(second, number, remark="seen") == (200, "")
        assert answer(second, number) == (409, "proposal-over")
    assert state(centre, "L-1") == "revoked"
    acts = centre.get("/api/v1/acts?subject=licence&key=L-1")["items"]
    told = {name: acts[-1][name] for name in ("what", "account", "second", "reason", "basis")}
    assert told == {"what": "revoked", "account": OFFICER, "second": SECOND, **WHY}
    steps = centre.get(f"/api/v1/acts?subject=proposal&key={number}")["items"]
    assert [(act["what"], act["account"]) for act in steps] == [
        ("proposed", OFFICER),
        ("confirmed", SECOND),
    ]
    assert steps[1]["id"] < acts[-1]["id"]


def test_nobody_is_both(centre: Registry) -> None:
    """Neither by a token nor signed in, nor under another account that is the same person's."""
    number = centre.post(licence(centre, "L-2"), WHY, expect=202)["number"]
    before = centre.sql("SELECT count(*) FROM act WHERE subject IN ('licence', 'proposal')")
    with (
        centre.client() as by_token,
        centre.client(token=centre.session()) as signed_in,
        session(centre, "again", "HOXHA, Arbën") as again,
        centre.client("inspector") as inspector,
        session(centre, "ilir", "Ilir Gjoka", "inspector") as inspector_signed_in,
    ):
        for word, body in (("confirm", {}), ("decline", {"reason": "x"})):
            assert answer(by_token, number, word, **body) == (403, "session-needed")
            assert answer(signed_in, number, word, **body) == (403, "same-person")
            assert answer(again, number, word, **body) == (403, "same-person")
            assert answer(inspector, number, word, **body) == (403, "forbidden")
            assert answer(inspector_signed_in, number, word, **body) == (403, "forbidden")
        # A second person's own token is nobody in person.
        issued = centre.token(OFFICER, name=SECOND)
        with centre.client(token=issued) as system:
            assert answer(system, number) == (403, "session-needed")
        now = "SELECT count(*) FROM act WHERE subject IN ('licence', 'proposal')"
        assert centre.sql(now) == before
        assert state(centre, "L-2") == "active"
        assert answer(again, number, "withdraw", reason="a mistake") == (200, "")
    over = centre.get(f"/api/v1/proposals/{number}")
    assert (over["state"], over["decided_by"], over["remark"]) == (
        "withdrawn",
        "again",
        "a mistake",
    )


def test_no_token_is_issued_that_would_be_a_session(centre: Registry) -> None:
    asked = {"account": OFFICER, "role": OFFICER, "purpose": "Session "}
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    with centre.client("administrator") as administrator:
        told = administrator.post("/api/v1/tokens", json=asked | {"until": until})
    assert (told.status_code, told.json()["code"]) == (422, "refused")


def test_what_has_changed_since_is_not_confirmed(centre: Registry) -> None:
    path = licence(centre, "L-3")
    number = centre.post(path, WHY, expect=202)["number"]
    centre.post("/api/v1/licences/L-3/suspend", {"reason": "papers are looked at"})
    before = centre.sql("SELECT count(*) FROM act")
    with centre.client(token=centre.session(name=SECOND)) as second:
        assert answer(second, number) == (412, "proposal-stale")
        assert centre.sql("SELECT count(*) FROM act") == before
        assert answer(second, number, "decline", reason="it changed") == (200, "")
        assert state(centre, "L-3") == "suspended"
        assert answer(second, centre.post(path, WHY, expect=202)["number"]) == (200, "")
    assert state(centre, "L-3") == "revoked"
    assert centre.post(path, WHY, expect=409)["code"] == "conflict", "tried, and refused at once"


def test_a_sanction_for_good_needs_two_and_is_of_the_licences_that_were_looked_at(
    centre: Registry,
) -> None:
    licence(centre, "L-4")
    asked = {"number": "S-1", "entity": "UMG", "kind": "revocation", **WHY}
    proposal = centre.post("/api/v1/sanctions", asked, expect=202)
    assert "L-4" in proposal["effect"]["licences"]
    licence(centre, "L-5")
    with centre.client(token=centre.session(name=SECOND)) as second:
        assert answer(second, proposal["number"]) == (412, "proposal-stale"), (
            "another licence since"
        )
    assert {state(centre, "L-4"), state(centre, "L-5")} == {"active"}
    assert centre.look("/api/v1/sanctions/S-1").status_code == 404
    named = asked | {"number": "S-2", "licences": ["L-4"]}
    centre.decide("/api/v1/sanctions", named)
    assert (state(centre, "L-4"), state(centre, "L-5")) == ("revoked", "active")


def test_when_its_time_has_run_out_it_is_over(centre: Registry) -> None:
    path = licence(centre, "L-6")
    number = centre.post(path, WHY, expect=202)["number"]
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    centre.sql("UPDATE proposal SET until = %s WHERE number = %s", past, number)
    centre.sql(
        "UPDATE act SET payload = jsonb_set(payload, '{until}', to_jsonb(%s::text))"
        " WHERE subject = 'proposal' AND key = %s AND what = 'proposed'",
        *(past, number),
    )
    assert centre.get(f"/api/v1/proposals/{number}")["state"] == "expired"
    listed = {name: centre.get(f"/api/v1/proposals?state={name}") for name in ("open", "expired")}
    assert number in [each["number"] for each in listed["expired"]["items"]]
    assert number not in [each["number"] for each in listed["open"]["items"]]
    with centre.client(token=centre.session(name=SECOND)) as second:
        assert answer(second, number) == (409, "proposal-over")
    assert state(centre, "L-6") == "active"
    centre.decide(path, WHY)


def test_who_may_not_any_more_has_proposed_nothing(centre: Registry) -> None:
    path = licence(centre, "L-7")
    with session(centre, "leaves", "Besa Dema") as leaving:
        number = leaving.post(path, json=WHY).json()["number"]
    with centre.client("administrator") as administrator:
        gone = administrator.post("/api/v1/accounts/leaves/disable", json={"reason": "left"})
        assert gone.status_code == 200
    with centre.client(token=centre.session(name=SECOND)) as second:
        assert answer(second, number) == (409, "conflict")
    assert state(centre, "L-7") == "active"


def test_of_two_words_at_once_one_is_the_second(centre: Registry) -> None:
    number = centre.post(licence(centre, "L-8"), WHY, expect=202)["number"]
    third = session(centre, "third", "Genta Marku")
    second = centre.client(token=centre.session(name=SECOND))
    with second, third, ThreadPoolExecutor() as threads:
        told = list(threads.map(lambda http: answer(http, number), (second, third)))
    assert sorted(told) == [(200, ""), (409, "proposal-over")]
    revoked = "SELECT count(*) FROM act WHERE subject = 'licence' AND key = 'L-8' AND what = %s"
    assert centre.sql(revoked, "revoked") == [(1,)]


def test_nobody_excludes_alone_by_any_way(centre: Registry) -> None:
    """Not by an entry, nor by amending one, nor by deciding that two names are one."""
    exclusion = {
        "kind": "entity",
        "name": "Dikush Tjetër",
        "ground": "violation",
        "legal_basis": "ligji 1",
        "valid_from": "2026-01-01T00:00:00Z",
        **WHY,
    }
    number = centre.post("/api/v1/exclusions", exclusion | {"number": "X-1"}, expect=202)["number"]
    assert centre.look("/api/v1/exclusions/X-1").status_code == 404
    centre.confirm(number)
    hits = {"code": "HIT", "name": "Krejt Ndryshe", "tax_number": "K12345678M"}
    centre.post("/api/v1/entities", hits)
    amended = exclusion | {"tax_number": "K12345678M"}
    proposal = centre.post("/api/v1/exclusions/X-1/amend", amended, expect=202)
    assert proposal["effect"]["entities"] == ["HIT"]
    path = "/api/v1/screenings/HIT/X-1/decide"
    same = centre.post(path, WHY | {"verdict": "same"}, expect=202)
    centre.post(path, WHY | {"verdict": "different"})
    with centre.client(token=centre.session(name=SECOND)) as second:
        assert answer(second, same["number"]) == (412, "proposal-stale"), (
            "decided otherwise meanwhile"
        )
        assert answer(second, proposal["number"]) == (200, "")
    assert centre.get("/api/v1/exclusions/X-1")["tax_number"] == "K12345678M"


@pytest.fixture
def engine(centre: Registry) -> Iterator[Engine]:
    made = db.make_engine(configuration.load(centre.folder / "central.toml"))
    yield made
    made.dispose()


def test_what_is_done_while_it_is_tried_is_done_since(
    centre: Registry, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a proposal would pass for newer than a change that its trial has not seen."""
    licence(centre, "L-9")
    tried = service._tried
    suspended = Thread(
        target=centre.post, args=("/api/v1/licences/L-9/suspend", {"reason": "meanwhile"})
    )
    waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

    def meanwhile(*asked: Any) -> Any:
        effect = tried(*asked)
        suspended.start()
        wait_for(
            "another to be done, or to wait",
            lambda: not suspended.is_alive() or centre.sql(waits) != [(0,)],
        )
        return effect

    monkeypatch.setattr(service, "_tried", meanwhile)
    wanted = Wanted("licence-revocation", "L-9", WithReason(**WHY))
    with engine.begin() as connection:
        number = service.propose(Work(connection, By(OFFICER, OFFICER)), wanted).number
    suspended.join(30)
    assert state(centre, "L-9") == "suspended"
    with centre.client(token=centre.session(name=SECOND)) as second:
        assert answer(second, number) == (412, "proposal-stale")
        assert answer(second, number, "decline", reason="it changed") == (200, "")


def test_who_acts_for_another_entity_now_has_proposed_nothing(
    centre: Registry, engine: Engine
) -> None:
    licence(centre, "L-10")
    centre.post("/api/v1/entities", {"code": "KMP", "name": "Kombinati Mekanik"})
    centre.token("warehouse", "UMG")
    wanted = Wanted("licence-revocation", "L-10", WithReason(**WHY))
    with engine.begin() as connection:
        by = By("warehouse.umg", "warehouse", "UMG")
        number = service.propose(Work(connection, by), wanted).number

    def moved(entity: str) -> None:
        roles = {"roles": ["warehouse"], "entity": entity, "reason": "moved"}
        with centre.client("administrator") as http:
            told = http.post("/api/v1/accounts/warehouse.umg/roles", json=roles)
            assert told.status_code == 200

    moved("KMP")
    with engine.connect() as connection, pytest.raises(Conflict, match="may not do that any more"):
        service.confirm(Work(connection, By(SECOND, OFFICER)), number)
    moved("UMG")
    with engine.connect() as connection:
        service.confirm(Work(connection, By(SECOND, OFFICER)), number)  # and taken back
    assert state(centre, "L-10") == "active"


def test_nobody_decides_whose_account_was_changed_by_who_proposed_it(centre: Registry) -> None:
    path = licence(centre, "L-11")
    with centre.client("administrator") as administrator:
        account = {
            "name": "both",
            "person": "Vjosa Lleshi",
            "roles": [OFFICER, "administrator"],
            "password": PASSWORD,
        }
        assert administrator.post("/api/v1/accounts", json=account).status_code == 201

        def signed_in(name: str, role: str) -> httpx.Client:
            asked = {"account": name, "password": PASSWORD, "role": role}
            token = administrator.post("/api/v1/sessions", json=asked).json()["token"]
            return centre.client(token=token)

        with session(centre, "taken", "Petrit Dani"), signed_in("both", OFFICER) as officer:
            number = officer.post(path, json=WHY).json()["number"]
            with signed_in("both", "administrator") as same:
                asked = {"password": PASSWORD}
                assert same.post("/api/v1/accounts/taken/password", json=asked).status_code == 200
            with signed_in("taken", OFFICER) as taken:
                shown = taken.get(f"/api/v1/proposals/{number}").json()
                assert (shown["for_you"], shown["yours"]) == (False, False)
                assert answer(taken, number) == (403, "same-person")
                assert answer(taken, number, "decline", reason="x") == (403, "same-person")
                assert state(centre, "L-11") == "active"
                centre.sql(
                    "UPDATE act SET at = at - interval '8 days'"
                    " WHERE subject = 'account' AND key = 'taken' AND account = 'both'"
                )
                assert answer(taken, number) == (200, "")


def test_what_is_said_to_wait_for_somebody_is_what_they_may_decide(
    centre: Registry, engine: Engine
) -> None:
    number = centre.post(licence(centre, "L-12"), WHY, expect=202)["number"]
    with (
        centre.client(token=centre.token(OFFICER, name=SECOND)) as system,
        session(centre, "namesake", "Arben Hoxha", "auditor") as namesake,
    ):
        path = f"/api/v1/proposals/{number}"
        assert system.get(path).json()["for_you"] is False, "it could not confirm it"
        shown = namesake.get(path).json()
        assert (shown["yours"], shown["for_you"]) == (False, False), "no auditor withdraws"
        assert answer(namesake, number, "withdraw", reason="x") == (403, "forbidden")
    told = {
        "issued": centre.token(OFFICER, name=SECOND),
        "second": centre.session(name=SECOND),
        "proposes": centre.session(),
        "inspector": centre.session("inspector"),
        "auditor": centre.session("auditor"),
        "store": centre.session("warehouse", "UMG"),
        "another": centre.session("warehouse", "KMP"),
    }
    with engine.connect() as connection:
        table = schema.proposal
        (row,) = connection.execute(select(table).where(table.c.number == number)).mappings()
        connection.execute(table.update().values(state="declined"))
        # As if a producer had proposed to destroy something of its own, and an inspector too.
        for kind, entity, account in (
            ("licence-revocation", None, OFFICER),
            ("destruction", "UMG", "producer"),
            ("destruction", None, "an-inspector"),
            ("sanction", None, SECOND),
        ):
            made = {"number": account, "kind": kind, "entity": entity, "account": account}
            person = {"person": PEOPLE.get(account, account)}
            connection.execute(table.insert().values({**row, **made, **person}))
        open_ = [
            Proposal.model_validate(row)
            for row in connection.execute(select(table).where(table.c.state == "open"))
        ]
        assert len(open_) == 4
        found = {}
        for name, secret in told.items():
            who = tokens.bearer(connection, secret)
            changed_by = changers(connection, who.account)
            found[name] = waiting_for(connection, who)
            assert found[name] == sum(may_decide(each, who, changed_by) for each in open_), name
    assert found == {
        "issued": 0,
        "second": 3,
        "proposes": 3,
        "inspector": 2,
        "auditor": 0,
        "store": 1,
        "another": 0,
    }


def test_it_follows_from_the_acts(centre: Registry) -> None:
    alone = (
        "SELECT count(*) FROM act WHERE second = '' AND ((subject, what) IN"
        " (('licence', 'revoked'), ('exclusion', 'entered'), ('exclusion', 'amended'))"
        " OR payload->>'verdict' = 'same')"
    )
    assert centre.sql(alone) == [(0,)]
    told = json.loads(centre.run("rebuild", "--json"))
    assert told["identical"], told

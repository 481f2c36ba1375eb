"""The operator's page as a person uses it: over HTTP, signed in with a badge of the plan."""

from typing import Any

import httpx

from simulators.demo.people import REST, Person, of_order
from tests.support.wait import wait_for

OF_PART = frozenset({"acknowledge", "read-again", "settle"})
OF_ORDER = frozenset({"begin", "run", "trial"})
OPERATOR = Person("p-7", "badge-7", "1848", ("operator",))
LEAD = Person("p-2", "badge-2", "2912", ("operator", "shift-lead"))


class Declined(Exception):
    """The page says no; `code` says why."""

    def __init__(self, code: str, facts: Any) -> None:
        super().__init__(f"{code} {facts}")
        self.code = code


class Page:
    """One station's page."""

    def __init__(self, url: str, station: str) -> None:
        self.station = station
        self._http = httpx.Client(base_url=url, timeout=30)
        self._shown: dict[str, Any] = {}
        """The view that the person saw last."""

    def close(self) -> None:
        self._http.close()

    # -- what it shows

    def snapshot(self) -> dict[str, Any]:
        """Everything; raises httpx.TransportError while no gateway runs."""
        answer: dict[str, Any] = self._http.get("/api/state").json()
        return answer

    def answers(self) -> dict[str, Any] | None:
        try:
            return self.snapshot()
        except httpx.TransportError:
            return None

    def view(self) -> dict[str, Any]:
        """This station's part."""
        for station in self.snapshot()["stations"]:
            if station["name"] == self.station:
                self._shown = dict(station)
                return self._shown
        raise AssertionError(f"the page has no station {self.station}")

    @property
    def latches(self) -> list[str]:
        return [each["latch"] for each in self.snapshot()["latches"]]

    @property
    def why_not(self) -> str | None:
        """Why nothing may be marked, as the screen's code; None when it may."""
        found = self.view()["why_not"]
        return None if found is None else str(found["code"])

    def wait_rest(self, *, cycle: int = 0, past: str = "") -> dict[str, Any]:
        """The view once a person is awaited, cycle number `cycle` is over, and `past` is left."""

        def rests() -> dict[str, Any]:
            view = self.view()
            at_rest = not view["busy"] and view["phase"] in REST and view["phase"] != past
            return view if at_rest and view["cycles"] >= cycle else {}

        return wait_for(f"rest at {self.station}", rests, 60)

    def wait_permitted(self) -> dict[str, Any]:
        """The view once the big button does something."""

        def permitted() -> dict[str, Any]:
            view = self.view()
            return view if not view["busy"] and "begin" in view["can"] else {}

        return wait_for(f"permission at {self.station}", permitted, 60)

    def wait_why_not(self, code: str, timeout: float = 30) -> None:
        """Wait until the screen gives exactly this reason."""
        wait_for(f"{self.station} says {code}", lambda: self.why_not == code, timeout)

    # -- its buttons

    def sign_in(self) -> None:
        self._post("/api/sign-in", OPERATOR.credentials())

    def begin(self) -> int:
        """Press the one button; the cycle's number since the gateway's start."""
        return int(self.press("begin")["cycle"])

    def press(self, action: str) -> dict[str, Any]:
        """Any button of this station, signing in first where it is asked for."""
        path, body = f"/api/stations/{self.station}/{action}", self._named(action)
        try:
            return self._post(path, body)
        except Declined as refusal:
            if refusal.code != "sign-in-first":
                raise
        self.sign_in()
        return self._post(path, body)

    def _named(self, action: str) -> dict[str, Any]:
        """The part or the order that the page showed when the person decided."""
        view = self._shown or self.view()
        if action in OF_PART:
            return {"intent": view["current"]["seq"]}
        if action in OF_ORDER:
            return of_order(view)
        return {}

    def settle(self, how: str, reason: str) -> None:
        """Two people put their names to what became of the part."""
        witnesses = [OPERATOR.credentials(), LEAD.credentials()]
        body = {"how": how, "reason": reason, "witnesses": witnesses}
        self._post(f"/api/stations/{self.station}/settle", body | self._named("settle"))

    def say_of_first_piece(
        self, seq: int, person: Person, *, approves: bool, reason: str = ""
    ) -> None:
        """Somebody's word on the first piece that record `seq` announced."""
        who = person.credentials()
        body = {"seq": seq, "approves": approves, "reason": reason, "witness": who}
        self._post(f"/api/stations/{self.station}/first-piece", body)

    def end_shift(self, first: int, orders: list[dict[str, Any]], operator: Person) -> int:
        """Sign the counts of the shift that began with record `first`; the record that says so."""
        body = {"first": first, "orders": orders, "operator": operator.credentials()}
        return int(self._post(f"/api/stations/{self.station}/shift-end", body)["record"])

    def report(self, shift: int, order: str) -> str:
        """An order's report, as CSV."""
        query = {"shift": str(shift), "order": order}
        answer = self._http.get(f"/api/stations/{self.station}/report.csv", params=query)
        assert answer.status_code == 200, answer.text
        return answer.text

    def _post(self, path: str, body: Any) -> dict[str, Any]:
        response = self._http.post(path, json=body)
        answer: dict[str, Any] = response.json()
        if response.status_code >= 400:
            raise Declined(str(answer.get("code")), answer)
        return answer

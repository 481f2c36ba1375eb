"""Nobody who signs in takes the turn of all others."""

import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack

import httpx
import pytest

from central.access import passwords
from central.access.places import EACH, PLACES, WAITING_EACH, Places
from central.errors import TooMany
from tests.support.register import Register
from tests.support.registry import PASSWORD, Registry

ATTACKERS = 12
PEOPLE = 12


def test_of_one_address_few_are_tried_at_once_and_another_address_is_not_kept_waiting() -> None:
    places = Places(wait_s=0.0)
    with ExitStack() as tried:
        for _ in range(EACH):
            tried.enter_context(places.take("192.0.2.1", known=False))
        with pytest.raises(TooMany), places.take("192.0.2.1", known=False):
            pytest.fail("it was tried")
        with places.take("192.0.2.2", known=False):
            pass
    with places.take("192.0.2.1", known=False):
        pass


def test_strangers_leave_the_places_of_who_is_known() -> None:
    places = Places(wait_s=0.0)
    with ExitStack() as tried:
        for number in range(PLACES):
            tried.enter_context(places.take(f"192.0.2.{number}", known=False))
        with pytest.raises(TooMany), places.take("192.0.2.99", known=False):
            pytest.fail("it was tried")
        with places.take("arben", known=True):
            pass


def test_who_finds_no_place_waits_for_one_and_few_wait() -> None:
    places = Places(wait_s=60.0)

    def sign_in() -> None:
        with places.take("192.0.2.1", known=False):
            pass

    with ThreadPoolExecutor(WAITING_EACH + 1) as threads:
        with ExitStack() as tried:
            for _ in range(EACH):
                tried.enter_context(places.take("192.0.2.1", known=False))
            sent = [threads.submit(sign_in) for _ in range(WAITING_EACH + 1)]
            done, waits = wait(sent, 60, FIRST_COMPLETED)
            assert [type(each.exception()) for each in done] == [TooMany]
        assert not wait(waits, 60).not_done
    assert not any(each.exception() for each in waits)


@pytest.fixture
def centre() -> Iterator[Register]:
    with Register.opened() as found:
        yield found


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Passwords of strangers take until it is set."""
    done = threading.Event()
    right = passwords.password_is

    def password_is(connection: object, account: str, password: str) -> bool:
        if password != PASSWORD:
            assert done.wait(60)
        return right(connection, account, password)  # type: ignore[arg-type]

    monkeypatch.setattr(passwords, "password_is", password_is)
    yield done
    done.set()


def sign_in(centre: Registry, number: int, password: str, address: str) -> httpx.Response:
    asked = {"account": f"person-{number}", "password": password}
    with centre.http(headers={"X-Forwarded-For": address}) as http:
        return http.post("/api/v1/sessions", json=asked)


def test_strangers_of_one_address_do_not_keep_people_out(
    centre: Register, slow: threading.Event
) -> None:
    with centre.client("administrator") as administrator:
        for number in range(PEOPLE):
            account = {"name": f"person-{number}", "person": "One", "roles": ["auditor"]}
            answer = administrator.post("/api/v1/accounts", json=account | {"password": PASSWORD})
            assert answer.status_code == 201, answer.text
    with ThreadPoolExecutor(ATTACKERS + PEOPLE) as threads:
        attacks = [
            threads.submit(sign_in, centre, 1000 + number, "wrong", "203.0.113.7")
            for number in range(ATTACKERS)
        ]
        people = [
            threads.submit(sign_in, centre, number, PASSWORD, f"198.51.100.{number // 6}")
            for number in range(PEOPLE)
        ]
        assert [each.result(60).status_code for each in people] == [201] * PEOPLE
        slow.set()
        assert {each.result(60).status_code for each in attacks} <= {401, 429}

"""Nobody asks without end, and nobody waits for another's asking."""

import pytest

from central.errors import TooMany
from central.public.pace import Pace


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_address_waits_and_another_does_not() -> None:
    clock = Clock()
    pace = Pace(most=3, within_s=60.0, clock=clock)
    for _ in range(3):
        pace.ask("192.0.2.1")
    with pytest.raises(TooMany):
        pace.ask("192.0.2.1")
    pace.ask("192.0.2.2")
    clock.now = 60.0
    pace.ask("192.0.2.1")


def test_a_network_of_ipv6_is_one() -> None:
    pace = Pace(most=2)
    pace.ask("2001:db8:1:2::1")
    pace.ask("2001:db8:1:2:ffff::9")
    with pytest.raises(TooMany):
        pace.ask("2001:db8:1:2::7")
    pace.ask("2001:db8:1:3::7")


def test_what_stands_before_this_server_asks_for_everybody() -> None:
    pace = Pace(most=1)
    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "") * 5:
        pace.ask(address)


def test_an_ipv4_address_is_the_same_one_however_a_socket_writes_it() -> None:
    pace = Pace(most=1)
    pace.ask("::ffff:192.0.2.1")
    pace.ask("::ffff:192.0.2.2")
    with pytest.raises(TooMany):
        pace.ask("192.0.2.1")


def test_an_interface_behind_an_address_is_no_part_of_it() -> None:
    pace = Pace(most=1)
    pace.ask("fe80::1%eth0")
    with pytest.raises(TooMany):
        pace.ask("fe80::1%eth1")

"""Demos of one machine never choose the same port, however close together they look."""

import multiprocessing
import os
import signal
import socket
from multiprocessing.connection import Connection

from simulators.demo.claims import Claims


def test_one_of_two_has_it_and_the_next_one_when_it_is_given_back() -> None:
    one, other = Claims(), Claims()
    port = one.take_any()
    assert not other.take(port)
    one.give_back()
    assert other.take(port)
    other.give_back()


def test_what_listens_is_nobodys() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert not Claims().take(listening.getsockname()[1])


def test_a_killed_demo_holds_nothing() -> None:
    ours, theirs = multiprocessing.Pipe()
    demo = multiprocessing.get_context("fork").Process(target=_claim_and_wait, args=(theirs,))
    demo.start()
    port = ours.recv()
    assert not Claims().take(port)
    assert demo.pid is not None
    os.kill(demo.pid, signal.SIGKILL)
    demo.join()
    after = Claims()
    assert after.take(port)
    after.give_back()


def _claim_and_wait(theirs: Connection) -> None:
    claims = Claims()
    theirs.send(claims.take_any())
    signal.pause()

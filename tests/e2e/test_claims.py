"""Demos of one machine never choose the same port, however close together they look."""

import multiprocessing
import os
import signal
import socket
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from simulators.demo.claims import Claims
from simulators.demo.processes import Children


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


def test_no_outgoing_connection_takes_it_before_its_program_does() -> None:
    claims = Claims()
    first_outgoing = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]
    assert claims.take_any() < int(first_outgoing)
    claims.give_back()


def test_what_a_program_of_it_said_last_is_told(tmp_path: Path) -> None:
    says = "import sys; sys.exit('the port is taken')"

    log = tmp_path / "line-1.log"
    children = Children(tmp_path, on_start=lambda: None)
    child = children.start("line-1", [sys.executable, "-c", says], reads_first_line=True)
    with pytest.raises(ChildProcessError) as told:
        child.wait_first_line()
    assert str(told.value) == f"line-1 ended at once; see {log}\n  the port is taken"

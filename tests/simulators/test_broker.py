"""Ports that programs are started on."""

import secrets
import subprocess
import sys

import pytest

from simulators.broker import free_port

AGAIN = """
import secrets, sys
from simulators.broker import free_port
draw, drawn = secrets.choice, [int(sys.argv[1])]
secrets.choice = lambda ports: drawn.pop() if drawn else draw(ports)
print(free_port())
"""


def test_a_port_is_given_once_before_anybody_listens_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    asked = [sys.executable, "-c", AGAIN, str(port)]
    other = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert int(other.stdout) != port

    draw, drawn = secrets.choice, [port]
    monkeypatch.setattr(secrets, "choice", lambda ports: drawn.pop() if drawn else draw(ports))
    assert free_port() != port

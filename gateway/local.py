"""The running gateway's local socket: how `settle`, `unlatch` and `journal` reach it.

HTTP over a Unix socket beside the journal, readable by its owner alone. Only the gateway's
process has the journal open for writing, and it alone answers for how far it goes.
"""

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx  # a command imports it where a gateway runs that it can ask

PAGE = 500
LONGEST_ADDRESS = 107


def socket_path(journal: Path) -> Path:
    """The socket of the gateway that has this journal open."""
    return journal.with_suffix(".sock")


def socket_address(path: Path) -> str:
    """The path as a Unix socket's address, which has room for 107 bytes (unix(7)).

    For a longer one its folder is held open, as long as the process lives, and gives a short name.
    """
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        return str(path)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    return f"/proc/self/fd/{folder}/{path.name}"


def client(journal: Path) -> "httpx.Client | None":
    """A client of the running gateway's socket; None when none runs."""
    path = socket_path(journal)
    if not path.exists():
        return None
    address = socket_address(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(address)
        except OSError:  # what a gateway that was killed has left behind
            return None
    import httpx

    transport = httpx.HTTPTransport(uds=address)
    return httpx.Client(transport=transport, base_url="http://gateway", timeout=30)

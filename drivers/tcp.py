"""What every TCP socket to a device is set to."""

import socket

SILENCE_SECONDS = 20
"""After so long without an acknowledgement the connection has ended."""


def prepare(link: socket.socket) -> None:
    """Send small messages at once, and notice a device that lost its power and never says so.

    A silent line is asked after 10 s. What was sent and is not acknowledged would be sent again
    after ever longer pauses: a device that was away for 60 s would be back only 40 s later.
    """
    if link.family == socket.AF_UNIX:
        return  # a local socket has none of the settings of TCP
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    wanted = {
        "TCP_KEEPIDLE": 10,
        "TCP_KEEPINTVL": 5,
        "TCP_KEEPCNT": 4,
        "TCP_USER_TIMEOUT": SILENCE_SECONDS * 1000,
    }
    for option, value in wanted.items():
        if hasattr(socket, option):
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

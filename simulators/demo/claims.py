"""Which ports this demo has taken, so that two demos of one machine never choose the same."""

import socket
from dataclasses import dataclass, field

from simulators.broker import free_port


@dataclass
class Claims:
    """Ports of 127.0.0.1, each held from being chosen until a program of ours listens there.

    That a port can be bound now says nothing of a moment later: another demo may have looked at the
    same moment. So each demo also binds a name in Linux' abstract namespace (unix(7)) for a port,
    which one process at most has, and which the kernel takes back however the demo ends.
    """

    _held: list[socket.socket] = field(default_factory=list)

    def take(self, port: int) -> bool:
        """Whether it is ours now; it is not where a demo has claimed it or anything listens."""
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0gjurma-demo-port-{port}")
        except OSError:
            claim.close()
            return False
        if not _can_be_bound(port):
            claim.close()
            return False
        self._held.append(claim)
        return True

    def take_any(self) -> int:
        """A port that nobody has asked for."""
        while not self.take(port := free_port()):
            pass
        return port

    def give_back(self) -> None:
        """All of them may be chosen again."""
        for claim in self._held:
            claim.close()
        self._held.clear()


def _can_be_bound(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

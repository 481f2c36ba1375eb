"""A broker that lets a client in and then says that another one came: raw bytes, no library."""

import socket
import threading
from types import TracebackType

CONNACK = bytes.fromhex("20 03 00 00 00")  # no session, success, no properties
SESSION_TAKEN_OVER = bytes.fromhex("e0 02 8e 00")  # DISCONNECT, reason, no properties
CONNECT, SUBSCRIBE = 0x10, 0x82


class TakingOver:
    """Listens on `port`; `sessions` counts those who came."""

    def __init__(self) -> None:
        self.sessions = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "TakingOver":
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.sessions += 1
            with client:
                self._session(client)

    def _session(self, client: socket.socket) -> None:
        kind, _ = _packet(client)
        assert kind == CONNECT
        client.sendall(CONNACK)
        kind, body = _packet(client)
        assert kind == SUBSCRIBE
        # SUBACK: the packet's identifier, no properties, QoS 1 granted for both topics.
        client.sendall(bytes([0x90, 5]) + body[:2] + bytes([0, 1, 1]))
        client.sendall(SESSION_TAKEN_OVER)
        while client.recv(4096):  # whatever it still says, until it goes
            pass


def _packet(client: socket.socket) -> tuple[int, bytes]:
    """The first byte of the next control packet, and what follows its length."""
    kind = _exactly(client, 1)[0]
    length, shift = 0, 0
    while True:
        digit = _exactly(client, 1)[0]
        length |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            return kind, _exactly(client, length)


def _exactly(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        if not more:
            raise ConnectionResetError("the client went away")
        data += more
    return data

"""A broker of a few bytes, for what the brokers at hand never say: why they end a session.

It answers what a gateway asks (MQTT 5.0, sections 3.2, 3.4, 3.9, 3.13), forwards nothing, and
gives the session away when it is told to (3.14.2.1: reason 0x8E, session taken over).
"""

import socket
import threading

CONNECT, PUBLISH, SUBSCRIBE, PINGREQ = 1, 3, 8, 12
CONNACK = bytes.fromhex("2003000000")
PINGRESP = bytes.fromhex("d000")
TAKEN_OVER = bytes.fromhex("e0028e00")


class BareBroker:
    """Listens on a loopback port until it is closed."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._sessions: list[socket.socket] = []
        self.connections = 0
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self._server.getsockname()[1]}"

    def give_away(self) -> None:
        """Tell the newest session that another client has it now, and end it."""
        self._sessions[-1].sendall(TAKEN_OVER)
        self._sessions[-1].shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()
        for session in self._sessions:
            session.close()

    def _accept(self) -> None:
        while True:
            try:
                session, _ = self._server.accept()
            except OSError:
                return  # closed
            self._sessions.append(session)
            self.connections += 1
            threading.Thread(target=self._serve, args=(session,), daemon=True).start()

    def _serve(self, session: socket.socket) -> None:
        stream = session.makefile("rb")
        try:
            while first := stream.read(1):
                length, shift = 0, 0
                while True:  # 1.5.5: seven bits a byte, the lowest first
                    byte = stream.read(1)[0]
                    length |= (byte & 0x7F) << shift
                    shift += 7
                    if not byte & 0x80:
                        break
                self._answer(session, first[0], stream.read(length))
        except (OSError, IndexError):
            pass  # the gateway went away
        finally:
            stream.close()

    def _answer(self, session: socket.socket, first: int, body: bytes) -> None:
        kind = first >> 4
        if kind == CONNECT:
            session.sendall(CONNACK)
        elif kind == PINGREQ:
            session.sendall(PINGRESP)
        elif kind == SUBSCRIBE:
            granted = b"\x01\x01"  # a gateway asks for two topics, at QoS 1
            session.sendall(b"\x90" + bytes([3 + len(granted)]) + body[:2] + b"\x00" + granted)
        elif kind == PUBLISH and first & 0x06:
            end = 2 + int.from_bytes(body[:2], "big")
            session.sendall(b"\x40\x02" + body[end : end + 2])

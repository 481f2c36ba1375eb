"""An agency's sign-on is asked no more than it takes: not by each click while it is away."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from central.access.oidc import AWAY_FOR_S, Client, Provider, Question
from central.errors import SignOnAway

SECRET = "known to the two of them"
MUCH = 64 * 1024 * 1024


class Agency(ThreadingHTTPServer):
    """Counts how often it is asked, and what of its answers was taken. `endless`: it never comes
    to an end."""

    daemon_threads = True
    asked = sent = 0
    endless = False


class Handler(BaseHTTPRequestHandler):
    server: Agency

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(200 if self.server.endless else 503)
        self.end_headers()
        while self.server.endless and self.server.sent < MUCH:
            try:
                self.wfile.write(b" " * 65536)
            except OSError:
                return
            self.server.sent += 65536

    def log_message(self, *_: object) -> None:
        """The tests say what was asked."""


@pytest.fixture
def agency() -> Iterator[Agency]:
    with Agency(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        yield server
        server.shutdown()


def client(agency: Agency) -> Client:
    return Client(f"http://127.0.0.1:{agency.server_port}/o", "gjurma", SECRET, "https://x/return")


def test_who_is_away_is_not_asked_by_each_click(agency: Agency) -> None:
    now = [1000.0]
    provider = Provider(client(agency), lambda: now[0])
    for wait, asked in ((0.0, 1), (0.0, 1), (AWAY_FOR_S - 1, 1), (1.0, 2), (0.0, 2)):
        now[0] += wait
        with pytest.raises(SignOnAway, match="503"):
            provider.address(Question.of("x"))
        assert agency.asked == asked


def test_who_says_without_end_is_not_listened_to_the_end(agency: Agency) -> None:
    agency.endless = True
    with pytest.raises(SignOnAway, match="more than"):
        Provider(client(agency)).address(Question.of("x"))
    assert agency.sent < MUCH


def test_the_secret_is_not_shown_with_whose_it_is(agency: Agency) -> None:
    assert SECRET not in repr(client(agency))

"""Who sees a mark, and when: a listener at the register and a page's client, each in a thread."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import psycopg

from bench.loop import CHANNEL
from central.ingest.database import LIVE_CHANNEL


class Seen:
    """The moment (`time.perf_counter`) at which each key was first seen."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        self._news = threading.Condition()

    def note(self, key: str, now: float) -> None:
        with self._news:
            self._at.setdefault(key, now)
            self._news.notify_all()

    def when(self, key: str, seconds: float = 20) -> float:
        """Waits for it; raises TimeoutError."""
        with self._news:
            if not self._news.wait_for(lambda: key in self._at, seconds):
                raise TimeoutError(f"{key} was not seen within {seconds} s")
            return self._at[key]


@contextmanager
def listening(database: str, register: Seen, bare: Seen) -> Iterator[None]:
    """Commits of batches by `gateway/seq` of each record, and the bare loop's by their key."""

    def listen(ready: threading.Event, stopping: threading.Event) -> None:
        with psycopg.connect(database, autocommit=True) as connection:
            for channel in (LIVE_CHANNEL, CHANNEL):
                connection.execute(f"LISTEN {channel}".encode())
            ready.set()
            while not stopping.is_set():
                for told in connection.notifies(timeout=0.2):
                    now = time.perf_counter()
                    if told.channel == CHANNEL:
                        bare.note(told.payload, now)
                        continue
                    value = json.loads(told.payload)
                    for seq in range(value.get("first", 1), value.get("last", 0) + 1):
                        register.note(f"{value['gateway']}/{seq}", now)

    with _thread(listen):
        yield


@contextmanager
def page(url: str, token: str, seen: Seen) -> Iterator[None]:
    """A client of the live stream: each mark's serial when it is first told."""
    headers = {"Authorization": f"Bearer {token}"}

    def follow(ready: threading.Event, stopping: threading.Event) -> None:
        with httpx.stream("GET", f"{url}/feed/live", headers=headers, timeout=30) as response:
            response.raise_for_status()
            event = ""
            for line in response.iter_lines():
                now = time.perf_counter()
                if stopping.is_set():
                    return
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:") and event == "hello":
                    ready.set()
                elif line.startswith("data:") and event == "marks":
                    for mark in json.loads(line[5:]):
                        seen.note(mark["serial"], now)

    with _thread(follow, ends_with_an_event=True):
        yield


@contextmanager
def _thread(
    work: Callable[[threading.Event, threading.Event], None], *, ends_with_an_event: bool = False
) -> Iterator[None]:
    ready, stopping = threading.Event(), threading.Event()
    # The page's client ends with the next event that it is sent; nobody waits for that.
    thread = threading.Thread(target=work, args=(ready, stopping), daemon=ends_with_an_event)
    thread.start()
    try:
        if not ready.wait(20):
            raise TimeoutError("a listener does not begin")
        yield
    finally:
        stopping.set()
        if not ends_with_an_event:
            thread.join()

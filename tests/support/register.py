"""A register in the test's own process: the interface over ASGI, on a database of its own.

    with Register.opened() as register:
        register.standard()
        peer = Peer(register, "gramsh.line-1")   # its messages are calls: there is no broker

One PostgreSQL server serves all databases of a pytest worker. The programs beside the interface
(ingest, plan, and where they are named watch and scans) do their work when `settle` is called, and
every request or SQL statement of a test calls it first. What is proved of the programs as processes
(signals, losses of the database or the broker) needs `tests.support.central.Centre`.
"""

import asyncio
import contextlib
import io
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import httpx
from fastapi import FastAPI

from central import __main__ as program
from central import config as configuration
from central import db, keys
from central.access import setup
from central.alerts.process import Watch
from central.app import create_app
from central.ingest import consumer, intake
from central.plan.process import CHANNELS, PlanProcess
from central.scans.process import Scans
from gateway.contract.topics import gateway_of, topic
from tests.support import clusters
from tests.support.cheap import hash_cheaply
from tests.support.link import Link, Receive
from tests.support.registry import Registry

ADDRESS = "http://127.0.0.1:8080"
Program = Literal["watch", "scans"]


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The event loop in which every register of this process serves, in a thread of its own."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="registers", daemon=True).start()
    return loop


class _InProcess(httpx.BaseTransport):
    """Passes requests to an app that runs in `_loop`, after `settle`."""

    def __init__(self, app: FastAPI, settle: Callable[[], None], changed: Callable[[], None]):
        self._asgi = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._settle = settle
        self._changed = changed

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._settle()
        future = asyncio.run_coroutine_threadsafe(self._answered(request), _loop())
        response = future.result(120)
        if request.method not in ("GET", "HEAD"):
            self._changed()
        return response

    async def _answered(self, request: httpx.Request) -> httpx.Response:
        asked = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )
        answer = await self._asgi.handle_async_request(asked)
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        body = b"".join([chunk async for chunk in answer.stream])
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=httpx.ByteStream(body)
        )


class Register(Registry):
    """One register; `folder` holds its configuration, keys, guard and tokens."""

    def __init__(self, folder: Path, database: str, programs: tuple[Program, ...]) -> None:
        self.folder = folder
        self._database = database
        self.config = configuration.load(folder / "central.toml")
        self.engine = db.make_engine(self.config)
        self._code = ""
        setup.offer(self.engine, self._keep_code)
        app = create_app(self.config, self.engine)
        self._transport = _InProcess(app, self.settle, self._change)
        self._listening: dict[str, Receive] = {}
        self._retained: dict[str, bytes] = {}
        self._lock = threading.RLock()
        self._dirty = True
        self._receipt_key = keys.load(self.config.keys.dir, "receipt")
        self._plans = _Plans(self)
        self._notices: list[str] = []
        self._listener = db.connect(self.config, autocommit=True)
        self._listener.add_notify_handler(lambda notice: self._notices.append(notice.payload))
        for channel in CHANNELS:
            self._listener.execute(f"LISTEN {channel}")
        self._ingest = db.connect(self.config)
        alert_key = keys.load(self.config.keys.dir, keys.ALERT)
        self._watch = Watch(self.config, alert_key) if "watch" in programs else None
        self._scans = Scans(self.config) if "scans" in programs else None
        if self._watch is not None:
            self._watch.begin()

    @classmethod
    @contextmanager
    def opened(
        cls, *programs: Program, lease_hours: int = 72, block_size: int = 200
    ) -> Iterator["Register"]:
        """A register on a fresh database; `programs`: which of watch and scans run as well."""
        hash_cheaply()
        folder = clusters.state_folder()
        with clusters.fresh_database() as database:
            (folder / "central.toml").write_text(
                f'[database]\nurl = "{database}"\n'
                '[broker]\nurl = "mqtt://127.0.0.1:1"\n[keys]\ndir = "keys"\n'
                f'[http]\nlisten = "{ADDRESS.removeprefix("http://")}"\n'
                "[devices]\nenabled = true\n"
                f"[plan]\nlease_hours = {lease_hours}\nblock_size = {block_size}\n"
            )
            keys.ensure(folder / "keys")
            keys.publish(folder / "keys")
            register = cls(folder, database, programs)
            try:
                yield register
            finally:
                register.close()
        shutil.rmtree(folder)

    def close(self) -> None:
        self._ingest.close()
        self._listener.close()
        for each in (self._plans, self._watch, self._scans):
            if each is not None:
                each.close()
        self.engine.dispose()

    def _keep_code(self, code: str) -> None:
        self._code = code

    # --- what every registry has --------------------------------------------------------------

    @property
    def url(self) -> str:
        return ADDRESS

    @property
    def database(self) -> str:
        return self._database

    def http(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=ADDRESS, transport=self._transport, **options)

    def setup_code(self) -> str:
        return self._code

    def run(self, command: str, *arguments: str, expect: int = 0) -> str:
        self.settle()
        told, faults = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(faults):
            code = program.main(
                [command, "--config", str(self.folder / "central.toml"), *arguments]
            )
        assert code == expect, f"{command}: {code}\n{faults.getvalue()}"
        self._change()
        return told.getvalue()

    # --- the programs beside the interface ----------------------------------------------------

    def _change(self) -> None:
        self._dirty = True

    def settle(self) -> None:
        """Let every program catch up with what was written since the last call."""
        with self._lock:
            while self._dirty:
                self._dirty = False
                for follower in (self._scans, self._watch):
                    if follower is not None:
                        follower.catch_up()
                # With the answer come the notifications of all that was committed before.
                self._listener.execute("SELECT 1")
                notices, self._notices = self._notices, []
                if notices:
                    self._dirty = True
                    self._plans.compile_all(self._plans.concerned(notices))

    # --- the wire to the gateways -------------------------------------------------------------

    def link(self, gateway: str, receive: Receive) -> Link:
        """Hear a gateway's receipts, and its plans from the newest one on."""
        self._listening[gateway] = receive
        self.settle()
        plan = topic(gateway, "plan")
        if plan in self._retained:
            receive(plan, self._retained[plan])
        return _Calls(self, gateway)

    def unlink(self, gateway: str) -> None:
        self._listening.pop(gateway, None)

    def send(self, name: str, payload: bytes) -> None:
        """Take a gateway's message in, and answer it."""
        with self._lock:
            answers = intake.alone(
                self._ingest,
                lambda: consumer.take(self._ingest, self._receipt_key, name, payload),
                lambda: gateway_of(name),
                payload,
            )
        self._change()
        for answer in answers or ():
            self.publish(topic(answer.gateway, "receipts"), answer.payload)

    def publish(self, name: str, payload: bytes) -> None:
        """Hand a message to the gateway of its topic, if it listens; keep the newest plan."""
        if name.endswith("/plan"):
            self._retained[name] = payload
        receive = self._listening.get(gateway_of(name))
        if receive is not None:
            receive(name, payload)


class _Plans(PlanProcess):
    """The plan process, called in place of running; its plans go to whom listens."""

    def __init__(self, register: Register) -> None:
        super().__init__(register.config, keys.load(register.config.keys.dir, "plan"))
        self._register = register

    def publish(self, gateway: str, payload: bytes) -> None:
        self._register.publish(topic(gateway, "plan"), payload)


@dataclass(frozen=True)
class _Calls:
    """A gateway's link whose messages are calls of the register."""

    register: Register
    gateway: str

    def publish(self, name: str, payload: bytes, *, retain: bool) -> None:
        del retain  # the register has heard it
        self.register.send(name, payload)

    def close(self) -> None:
        self.register.unlink(self.gateway)

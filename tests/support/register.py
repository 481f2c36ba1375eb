"""A register in the test's own process: the interface over ASGI, on a database of its own.

    with Register.opened() as register:
        register.standard()
        peer = Peer(register, "gramsh.line-1")   # its messages are calls: there is no broker

One PostgreSQL server serves all databases of a pytest worker. The programs beside the interface
(ingest, plan, and where they are named watch and scans) do their work before a request that may
have changed something returns: nothing is waited for. What is proved of the programs as processes
(signals, losses of the database or the broker) needs `tests.support.central.Centre`.
"""

import asyncio
import contextlib
import io
import logging
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
from sqlalchemy.pool import QueuePool
from starlette.types import ASGIApp, Message, Scope, Send
from starlette.types import Receive as ASGIReceive
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from central import __main__ as program
from central import config as configuration
from central import db, keys
from central.access import setup
from central.alerts.process import Watch
from central.app import create_app
from central.config import Config
from central.ingest import consumer, intake
from central.plan.process import CHANNELS, PlanProcess
from central.pools import Pools
from central.scans.process import Scans
from gateway.contract.topics import gateway_of, topic
from tests.support import clusters
from tests.support.cheap import hash_cheaply
from tests.support.link import Link, Receive
from tests.support.registry import Registry
from tests.support.wait import wait_for

ADDRESS = "http://127.0.0.1:8080"
T = TypeVar("T")


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The event loop in which every register of this process serves, in a thread of its own."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="registers", daemon=True).start()
    return loop


def _without_streams(app: ASGIApp) -> ASGIApp:
    """End a stream of events after its headers: this transport takes whole responses."""

    async def shortened(scope: Scope, receive: ASGIReceive, send: Send) -> None:
        streams = asyncio.Event()

        async def sent(message: Message) -> None:
            await send(message)
            if b"text/event-stream" in str(message.get("headers", "")).encode():
                streams.set()

        answering = asyncio.ensure_future(app(scope, receive, sent))
        stream = asyncio.create_task(streams.wait())
        await asyncio.wait([answering, stream], return_when=asyncio.FIRST_COMPLETED)
        stream.cancel()
        if streams.is_set():
            answering.cancel()
            await asyncio.wait({answering})
            await send({"type": "http.response.body", "body": b""})
        else:
            await answering

    return shortened


class _InProcess(httpx.BaseTransport):
    """Passes requests to an app that runs in `_loop`; after one that may have changed something,
    `settle` is called."""

    def __init__(self, pools: Pools, settle: Callable[[], None]) -> None:
        self.pools = pools
        self._settle = settle
        self._asgi: httpx.ASGITransport | None = None
        self._life: AbstractAsyncContextManager[Any] | None = None

    def serve(self, config: Config) -> None:
        """Serve by this configuration from now on."""
        self.end()
        app = create_app(config, self.pools)
        served = _without_streams(cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", app))))
        self._asgi = httpx.ASGITransport(served, raise_app_exceptions=False)
        self._life = app.router.lifespan_context(app)
        self._do(self._life.__aenter__())

    def end(self) -> None:
        if self._life is not None:
            self._do(self._life.__aexit__(None, None, None))
            self._life = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._do(self._answered(request))
        if request.method not in ("GET", "HEAD"):
            self._settle()
        return response

    async def _answered(self, request: httpx.Request) -> httpx.Response:
        assert self._asgi is not None
        asked = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )
        answer = await self._asgi.handle_async_request(asked)
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        body = b"".join([chunk async for chunk in answer.stream])
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=httpx.ByteStream(body)
        )

    @staticmethod
    def _do(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, _loop()).result(120)


class Register(Registry):
    """One register; `folder` holds its configuration, keys, guard and tokens."""

    def __init__(self, folder: Path, database: str, programs: Iterable[str]) -> None:
        self.folder = folder
        self._database = database
        self._code = ""
        self._listening: dict[str, list[Receive]] = {}
        self._retained: dict[str, bytes] = {}
        self._lock = threading.RLock()
        self._notices: list[str] = []
        self._log = io.StringIO()
        self._logged = logging.StreamHandler(self._log)
        self._logged.setFormatter(logging.Formatter("%(name)s %(message)s"))
        logging.getLogger("central").addHandler(self._logged)
        logging.getLogger("central").setLevel(logging.INFO)
        config = self._config()
        self.pools = Pools.opened(config)
        setup.offer(self.pools.entrance, self._keep_code)
        self._receipt_key = keys.load(config.keys.dir, "receipt")
        self._plan_keys = keys.plan_keys(keys.load_public(config.keys.dir))
        self._connect(config)
        self._plans: _Plans | None = None
        self._watch: Watch | None = None
        self._scans: Scans | None = None
        self._transport = _InProcess(self.pools, self.settle)
        for name in ("serve", "plan", *programs):
            self.start(name)

    def _connect(self, config: Config) -> None:
        self._ingest = db.connect(config)
        self._listener = db.connect(config, autocommit=True)
        self._listener.add_notify_handler(lambda notice: self._notices.append(notice.payload))
        for channel in CHANNELS:
            self._listener.execute(f"LISTEN {channel}")

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let nobody reach the database: the server ends its sessions, and takes no new ones."""
        with clusters.closed(self._database):
            yield
        self._ingest.close()
        self._listener.close()
        self._connect(self._config())

    def _config(self) -> Config:
        return configuration.load(self.folder / "central.toml")

    @classmethod
    @contextmanager
    def opened(
        cls, *programs: str, lease_hours: int = 72, block_size: int = 200
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
        for name in ("plan", "watch", "scans"):
            self.stop(name)
        self._transport.end()
        self._ingest.close()
        self._listener.close()
        # A thread that answers still holds a connection, which would outlive the pool.
        pools = [cast("QueuePool", engine.pool) for engine in self.pools.all()]
        wait_for("the last answer", lambda: not any(pool.checkedout() for pool in pools))
        self.pools.dispose()
        logging.getLogger("central").removeHandler(self._logged)

    def start(self, name: str) -> None:
        config = self._config()
        if name == "serve":
            self._transport.serve(config)
        elif name == "plan":
            self._plans = _Plans(self, config)
            self._plans.compile_all(self._plans.gateways())
        elif name == "watch":
            self._watch = Watch(config, keys.load(config.keys.dir, keys.ALERT))
            self._watch.begin()
        elif name == "scans":
            self._scans = Scans(config)
        self.settle()

    def stop(self, name: str) -> None:
        """End a program; the interface and ingest go on until the register is closed."""
        if name in ("plan", "watch", "scans"):
            attribute = "_plans" if name == "plan" else f"_{name}"
            program = getattr(self, attribute)
            if program is not None:
                program.close()
            setattr(self, attribute, None)

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

    def log(self, name: str = "") -> str:
        return self._log.getvalue()

    def run(self, command: str, *arguments: str, expect: int = 0) -> str:
        told, faults = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(faults):
            config = str(self.folder / "central.toml")
            code = program.main([command, "--config", config, *arguments])
        assert code == expect, f"{command}: {code}\n{faults.getvalue()}"
        self.settle()
        return told.getvalue()

    # --- the programs beside the interface ----------------------------------------------------

    def settle(self) -> None:
        """Let every program that runs catch up with what was committed."""
        with self._lock:
            while True:
                for follower in (self._scans, self._watch):
                    if follower is not None:
                        follower.catch_up()
                # With the answer come the notifications of all that was committed before.
                self._listener.execute("SELECT 1")
                notices, self._notices = self._notices, []
                if self._plans is not None:
                    self._plans.compile_all(self._plans.concerned(notices))
                if not notices:
                    return

    # --- the wire to the gateways -------------------------------------------------------------

    def link(self, gateway: str, receive: Receive) -> Link:
        """Hear a gateway's receipts, and its plans from the newest one on."""
        self._listening.setdefault(gateway, []).append(receive)
        self.settle()
        plan = topic(gateway, "plan")
        if plan in self._retained:
            receive(plan, self._retained[plan])
        return _Calls(self, gateway, receive)

    def unlink(self, gateway: str, receive: Receive) -> None:
        self._listening[gateway].remove(receive)

    def send(self, name: str, payload: bytes) -> None:
        """Take a gateway's message in, and answer it."""
        with self._lock:
            answers = intake.alone(
                self._ingest,
                lambda fault: consumer.take(
                    self._ingest, self._receipt_key, self._plan_keys, name, payload, fault
                ),
                lambda: gateway_of(name),
                payload,
            )
        for answer in answers or ():
            self.publish(topic(answer.gateway, "receipts"), answer.payload)
        self.settle()

    def publish(self, name: str, payload: bytes) -> None:
        """Hand a message to the gateway of its topic, if it listens; keep the newest plan."""
        if name.endswith("/plan"):
            self._retained[name] = payload
        for receive in self._listening.get(gateway_of(name), ()):
            receive(name, payload)


class _Plans(PlanProcess):
    """The plan process, called in place of running; its plans go to whom listens."""

    def __init__(self, register: Register, config: Config) -> None:
        super().__init__(config, keys.load(config.keys.dir, "plan"))
        self._register = register

    def publish(self, gateway: str, payload: bytes) -> None:
        self._register.publish(topic(gateway, "plan"), payload)


@dataclass(frozen=True)
class _Calls:
    """A gateway's link whose messages are calls of the register."""

    register: Register
    gateway: str
    receive: Receive

    def publish(self, name: str, payload: bytes, *, retain: bool) -> None:
        del retain  # the register has heard it
        self.register.send(name, payload)

    def close(self) -> None:
        self.register.unlink(self.gateway, self.receive)

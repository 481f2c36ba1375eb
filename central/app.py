"""The composition root of central's web server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI

from central import keys, problems
from central.access import answers
from central.access.attempts import Attempts
from central.access.browsing import Cookies
from central.access.entrance import Entrance, code_attempts
from central.access.oidc import RETURN, Client, Provider
from central.access.second_factor import SecondFactor
from central.api import (
    access,
    acts,
    alerts,
    articles,
    balances,
    batches,
    certificates,
    consignments,
    counts,
    devices,
    entities,
    exclusions,
    gateways,
    imports,
    inspections,
    licences,
    lots,
    orders,
    people,
    places,
    products,
    proposals,
    public,
    questions,
    reading,
    sanctions,
    stock,
    units,
)
from central.api.description import Described
from central.api.limit import LARGEST_FILE, SmallBodies
from central.config import Config
from central.errors import ConfigError
from central.hold import Hold, RefuseOlder
from central.ingest import salvage
from central.pools import THREADS, Pools
from central.problems import Problem
from central.public.copy import Copy
from central.public.pace import Pace
from central.queries.live import Live
from central.screens import drawing, uploads
from central.screens.install import install
from central.threads import Threads

PREFIX = "/api/v1"


class _Server(FastAPI):
    def openapi(self) -> dict[str, Any]:
        return interface().openapi()


def create_app(config: Config, pools: Pools) -> FastAPI:
    """The interface, the pages and what their scripts ask for."""
    threads = Threads()
    live = Live(pools.public, config.database.url, threads)
    hold = Hold(pools.public, threads)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = THREADS
        async with threads, live.running():
            tasks = (
                asyncio.create_task(answers.forgetting(pools.entrance, threads)),
                asyncio.create_task(hold.following()),
            )
            yield
            for task in tasks:
                task.cancel()

    app = _Server(docs_url=None, redoc_url=None, lifespan=lifespan, routes=interface().routes)
    app.state.engine = pools.work
    app.state.pools = pools
    app.state.live = live
    app.state.printers = config.printers
    app.state.public = public.Public(Copy(pools.public), Pace())
    app.state.attempts = Attempts()
    app.state.entrance = Entrance(
        pools.entrance,
        app.state.attempts,
        code_attempts(),
        SecondFactor(keys.load_second_factor(config.keys.dir), config.sign_in.second_factor),
        _provider(config),
    )
    app.state.agency = config.oidc.label.model_dump() if config.oidc else {}
    app.state.origin = config.http.origin
    app.state.cookies = Cookies(secure=config.http.secure)
    app.state.signatures = batches.attempts()
    app.state.receipt_key = (
        keys.load(config.keys.dir, "receipt") if config.devices.enabled else None
    )
    app.state.central_keys = keys.load_public(config.keys.dir)
    problems.install(app)
    sizes = dict.fromkeys(imports.UPLOADS, LARGEST_FILE) | {
        batches.ADDRESS: batches.LARGEST,
        questions.ADDRESS: questions.LARGEST,
        gateways.SALVAGES: salvage.LARGEST,
    }
    sizes[uploads.ADDRESS] = LARGEST_FILE + uploads.AROUND
    app.add_middleware(SmallBodies, files=sizes)
    app.add_middleware(RefuseOlder, server=app, hold=hold)
    install(app)
    return app


def _provider(config: Config) -> Provider | None:
    """An agency's sign-on, if there is one; it is not asked anything yet. Raises `ConfigError`."""
    oidc = config.oidc
    if oidc is None:
        return None
    back = config.http.address + RETURN
    client = Client(oidc.issuer, oidc.client_id, oidc.client_secret(), back, oidc.ca)
    try:
        return Provider(client)
    except OSError as error:  # no such file, or no certificates in it
        raise ConfigError(f"{oidc.ca}: {error.strerror or error}") from error


def prepare() -> None:
    """Make what somebody's first page would wait for, and what no configuration changes: the
    description, from which the desks are drawn, the templates and the catalogues. It takes seconds
    of a core, and is done before a server listens."""
    interface().openapi()
    drawing.prepare()


@cache
def interface() -> Described:
    """All of `/api/v1`, and `/enroll`, to which gateways are configured; made once a process.

    Each router is added to the app itself: a router within a router has all its routes made anew.
    """
    app = Described(
        Problem,
        title="gjurma: the register",
        summary="Marked, read back and registered: the life of every item.",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(gateways.open_to_all)
    for router in (
        *(access.open_to_all, batches.open_to_all, questions.open_to_all),
        *(access.api, acts.api, entities.api, licences.api, products.api, gateways.api),
        units.api,  # its addresses below an article's code go before that code's own
        *(articles.api, lots.api, consignments.api, imports.api, alerts.api),
        *(stock.api, counts.api, devices.api),
        *(certificates.api, orders.api, balances.api, people.api, reading.api),
        *(places.api, exclusions.api),
        *(inspections.api, sanctions.api, proposals.api, public.api),
    ):
        app.include_router(router, prefix=PREFIX)
    return app

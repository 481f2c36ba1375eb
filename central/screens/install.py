"""Adds the pages, their files and the security headers to the server."""

from collections.abc import Iterator

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from central.access.sessions import Presence
from central.screens import (
    account,
    accounts,
    agency,
    doubts,
    enrol,
    feed,
    files,
    life,
    pages,
    public,
    showcase,
    sign_in,
    uploads,
)
from central.screens.compression import Compression
from central.screens.desks.pages import ROUTERS as DESKS
from central.screens.drawing import Screens
from central.screens.headers import SecurityHeaders
from central.screens.navigation import existing
from central.screens.warehouse import shell

ROUTERS: tuple[APIRouter, ...] = (
    sign_in.pages,
    sign_in.out,
    agency.pages,
    enrol.pages,
    account.pages,
    accounts.pages,
    pages.pages,
    life.pages,
    showcase.pages,
    uploads.pages,
    doubts.pages,
    *public.ROUTERS,
    shell.pages,
    *DESKS,
)
"""All pages; those of a desk are in the navigation."""


def install(app: FastAPI) -> None:
    state = app.state
    state.screens = Screens(
        engine=state.engine,
        cookies=state.cookies,
        origin=state.origin,
        entrance=state.entrance,
        presence=Presence(state.engine),
        entries=existing(set(addresses())),
        agency=state.agency,
    )
    app.add_middleware(Compression)
    app.add_middleware(SecurityHeaders, secure=state.cookies.secure)
    files.install(app)
    for router in (feed.feed, shell.beside, *ROUTERS):
        app.include_router(router)


def addresses() -> Iterator[str]:
    """Of every page."""
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield route.path

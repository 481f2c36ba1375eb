"""One's own second factor: enrolled, its recovery codes renewed, removed."""

from fastapi import APIRouter
from fastapi.responses import Response

from central.access import tokens
from central.errors import TooMany, Unauthorized, WrongCode
from central.register.acts import Why, Work
from central.screens.account import account_page
from central.screens.codes import enrolment, told_once
from central.screens.faults import Fault
from central.screens.viewer import AsViewer, Shown, Viewer, anybody

pages = APIRouter(prefix="/account/second-factor", include_in_schema=False, route_class=Shown)
OWN = Why("removed by its owner")
REMOVED = Why("the second factor was removed")


@pages.get("", **anybody())
def waiting(viewer: AsViewer) -> Response:
    return _enrolment(viewer)


@pages.post("/begin", **anybody())
def begin(viewer: AsViewer) -> Response:
    """By the password: whoever finds a browser open does not lock its owner out."""
    fault = _wrong_password(viewer)
    if fault is not None:
        return account_page(viewer, [fault])
    factor = viewer.screens.entrance.factor
    viewer.act(lambda work: factor.begin(work.connection, viewer.account))
    return viewer.go("/account/second-factor")


@pages.post("", **anybody())
def confirm(viewer: AsViewer) -> Response:
    factor, code = viewer.screens.entrance.factor, viewer.form.get("code")[:40]
    try:
        with viewer.screens.entrance.attempts.attempt(viewer.counted):
            codes = viewer.act(lambda work: factor.confirm(work, viewer.account, code))
    except WrongCode:
        return _enrolment(viewer, [Fault("code", "code-wrong")], 403)
    except TooMany:
        return _enrolment(viewer, [Fault("", "too-many")], 429)
    return told_once(viewer, codes, onwards="/account")


@pages.post("/recovery-codes", **anybody())
def renew(viewer: AsViewer) -> Response:
    factor, code = viewer.screens.entrance.factor, viewer.form.get("code")[:40]
    try:
        with viewer.screens.entrance.attempts.attempt(viewer.counted):
            codes = viewer.act(lambda work: factor.renew(work, viewer.account, code))
    except WrongCode:
        return account_page(viewer, [Fault("code", "code-wrong")])
    except TooMany:
        return account_page(viewer, [Fault("code", "too-many")])
    return told_once(viewer, codes, onwards="/account")


@pages.post("/remove", **anybody())
def remove(viewer: AsViewer) -> Response:
    """By the password; a role that needs a second factor enrols another when it signs in next."""
    fault = _wrong_password(viewer)
    if fault is not None:
        return account_page(viewer, [fault])

    def removing(work: Work) -> None:
        viewer.screens.entrance.factor.remove(work, viewer.account, OWN)
        stays = "" if viewer.screens.entrance.factor.needed(viewer.role) else viewer.session
        tokens.end_sessions(work, viewer.account, REMOVED, but=stays)

    viewer.act(removing)
    return viewer.go("/account?done=factor-removed")


def _wrong_password(viewer: Viewer) -> Fault | None:
    password = viewer.form.raw("password")[:200]
    try:
        with (
            viewer.screens.entrance.signed_in(viewer.counted),
            viewer.looking() as connection,
        ):
            tokens.known(connection, viewer.account, password)
    except Unauthorized:
        return Fault("password", "password-wrong")
    except TooMany:
        return Fault("password", "too-many")
    return None


def _enrolment(viewer: Viewer, faults: list[Fault] | None = None, status: int = 200) -> Response:
    with viewer.looking() as connection:
        return enrolment(
            connection,
            viewer,
            viewer.account,
            faults or [],
            status,
            action="/account/second-factor",
            more={},
        )

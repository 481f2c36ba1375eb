"""One's own account: the password, and where one is signed in."""

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import ValidationError

from central.access import accounts, second_factor, sessions, tokens
from central.access.accounts import OwnPassword
from central.errors import TooMany, WrongPassword
from central.register.acts import Why, Work
from central.screens.faults import Fault, found
from central.screens.viewer import AsViewer, Shown, Viewer, anybody

pages = APIRouter(prefix="/account", include_in_schema=False, route_class=Shown)
OWN = Why("ended by its owner")
OF_PASSWORD = (Fault("new", "password-new"),)


@pages.get("", **anybody())
def mine(viewer: AsViewer) -> Response:
    return account_page(viewer)


@pages.post("/password", **anybody())
def change_password(viewer: AsViewer) -> Response:
    """The sessions that were begun with the former one end; this one stays."""
    old, new = viewer.form.raw("old"), viewer.form.raw("new")
    faults = [] if old else [Fault("old", "password-missing")]
    try:
        asked = OwnPassword.model_validate({"old": old, "new": new})
    except ValidationError as error:
        # That old and new are the same is said of both together.
        faults += found(error, OF_PASSWORD) or [Fault("new", "password-same")]
    if viewer.form.raw("again") != new:
        faults.append(Fault("again", "password-other"))
    if faults:
        return account_page(viewer, faults)

    def change(work: Work) -> None:
        accounts.change_own_password(work, asked)
        tokens.end_sessions(work, viewer.account, tokens.PASSWORD_CHANGED, but=viewer.session)

    try:
        with viewer.screens.entrance.signed_in(viewer.counted):
            viewer.act(change)
    except WrongPassword:
        return account_page(viewer, [Fault("old", "password-wrong")])
    except TooMany:
        return account_page(viewer, [Fault("old", "too-many")])
    return viewer.go("/account?done=password")


@pages.post("/sessions/end-others", **anybody())
def end_others(viewer: AsViewer) -> Response:
    viewer.act(lambda work: tokens.end_sessions(work, viewer.account, OWN, but=viewer.session))
    return viewer.go("/account?done=sessions")


@pages.post("/sessions/{id_}/end", **anybody())
def end_one(id_: str, viewer: AsViewer) -> Response:
    viewer.act(lambda work: sessions.end(work, viewer.account, id_, OWN))
    return viewer.go("/account?done=session")


def account_page(viewer: Viewer, faults: list[Fault] | None = None) -> Response:
    """With what was wrong, if anything was."""
    with viewer.looking() as connection:
        there = sessions.open_ones(connection, viewer.account)
        factor = viewer.screens.entrance.factor.enrolled(connection, viewer.account)
        codes = second_factor.left(connection, viewer.account)
    done = viewer.request.query_params.get("done", "")
    return viewer.page(
        "account.html",
        422 if faults else 200,
        sessions=there,
        factor=factor,
        codes=codes,
        faults=faults or [],
        done=done,
    )

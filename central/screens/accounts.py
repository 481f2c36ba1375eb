"""Everybody's accounts, for who answers for them: their roles, and where they are signed in."""

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import ValidationError

from central.access import identities, sessions, tokens
from central.access.accounts import ACCOUNT, Identity
from central.access.identities import NamedIdentity
from central.access.roles import Right
from central.api.desk import needs
from central.api.listing import Cursor, listed
from central.register.acts import Why, Work
from central.screens.desks.pages import Doing, empty_form, one_of, steps_of
from central.screens.desks.table import BY_NAME
from central.screens.faults import Fault, found
from central.screens.texts import load
from central.screens.viewer import AsViewer, Shown, Viewer

pages = APIRouter(prefix="/accounts", include_in_schema=False, route_class=Shown)
ROWS = 50
DESK = BY_NAME["accounts"]
OF_BINDING = (Fault("subject", "subject-missing"), Fault("reason", "reason-missing"))


@pages.get("", **needs(Right.READ_ACCOUNTS))
def everybodys(viewer: AsViewer, cursor: Cursor = None, do: Doing = "") -> Response:
    if do == "new":
        return empty_form(viewer, DESK)
    with viewer.looking() as connection:
        found = listed(connection, ACCOUNT, ROWS, cursor)
        return viewer.page("accounts.html", found=found, d=load(viewer.language, "desks"))


@pages.get("/{name}", **needs(Right.READ_ACCOUNTS))
async def somebodys(name: str, viewer: AsViewer, do: Doing = "") -> Response:
    """What is changed of an account is so by the forms of its desk."""
    if do:
        return await one_of(viewer, DESK, name, do)
    return await run_in_threadpool(_page, viewer, name)


@pages.post("/{name}/sessions/end", **needs(Right.CHANGE_ACCOUNTS))
def end(name: str, viewer: AsViewer) -> Response:
    """One that is named, or all; not the one in which it is asked for."""
    reason, one = viewer.form.get("reason"), viewer.form.get("session")
    if not reason:
        return _page(viewer, name, [Fault("reason", "reason-missing")])

    def ending(work: Work) -> None:
        if one:
            sessions.end(work, name, one, Why(reason[:500]))
        else:
            tokens.end_sessions(work, name, Why(reason[:500]), but=viewer.session)

    viewer.act(ending)
    return viewer.go(f"/accounts/{name}?done=sessions")


@pages.post("/{name}/second-factor/remove", **needs(Right.CHANGE_ACCOUNTS))
def remove(name: str, viewer: AsViewer) -> Response:
    """For who has lost the authenticator and the recovery codes; their sessions end."""
    reason = viewer.form.get("reason-factor")[:500]
    if not reason:
        return _page(viewer, name, [Fault("reason-factor", "reason-missing")])

    def removing(work: Work) -> None:
        viewer.screens.entrance.factor.remove(work, name, Why(reason))
        tokens.end_sessions(work, name, Why(reason), but=viewer.session)

    viewer.act(removing)
    return viewer.go(f"/accounts/{name}?done=factor-removed")


@pages.post("/{name}/identities/bind", **needs(Right.CHANGE_ACCOUNTS))
def bind(name: str, viewer: AsViewer) -> Response:
    """Of the sign-on that is configured: who is to sign in by it as this account."""
    provider = viewer.screens.entrance.provider
    if provider is None:  # it was taken out of the configuration since the form was shown
        return _page(viewer, name, [Fault("", "agency-none")])
    asked = {
        "issuer": provider.client.issuer,
        "subject": viewer.form.get("subject"),
        "reason": viewer.form.get("reason-bind"),
    }
    try:
        named = NamedIdentity.model_validate(asked)
    except ValidationError as error:
        told = {fault.field: fault for fault in found(error, OF_BINDING)}
        faults = [Fault("reason-bind" if at == "reason" else at, f.code) for at, f in told.items()]
        return _page(viewer, name, faults)
    viewer.act(lambda work: identities.bind(work, name, named.identity, named.why))
    return viewer.go(f"/accounts/{name}?done=bound")


@pages.post("/{name}/identities/unbind", **needs(Right.CHANGE_ACCOUNTS))
def unbind(name: str, viewer: AsViewer) -> Response:
    """Also of a sign-on that was configured before."""
    reason = viewer.form.get("reason-unbind")[:500]
    if not reason:
        return _page(viewer, name, [Fault("reason-unbind", "reason-missing")])
    issuer, subject = viewer.form.get("issuer"), viewer.form.raw("subject")
    identity = Identity(issuer=issuer, subject=subject)
    viewer.act(lambda work: identities.unbind(work, name, identity, Why(reason)))
    return viewer.go(f"/accounts/{name}?done=unbound")


def _page(viewer: Viewer, name: str, faults: list[Fault] | None = None) -> Response:
    with viewer.looking() as connection:
        account = ACCOUNT.require(connection, name)
        there = sessions.open_ones(connection, name)
        factor = viewer.screens.entrance.factor.enrolled(connection, name)
    return viewer.page(
        "one-account.html",
        422 if faults else 200,
        found=account,
        provider=viewer.screens.entrance.provider,
        sessions=there,
        factor=factor,
        faults=faults or [],
        done=viewer.request.query_params.get("done", ""),
        steps=steps_of(viewer, DESK, {"state": account.state}),
        d=load(viewer.language, "desks"),
    )

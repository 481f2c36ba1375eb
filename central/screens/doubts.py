"""Numbers of an order in doubt, which an ended journal may have marked; and their giving back."""

import secrets

from fastapi import APIRouter
from fastapi.responses import Response

from central.access.roles import Right
from central.api.desk import needs
from central.screens.desks.asking import Answer, ask, look
from central.screens.desks.showing import Teller
from central.screens.desks.table import BY_NAME
from central.screens.faults import Fault
from central.screens.texts import load
from central.screens.viewer import AsViewer, Shown, Viewer

pages = APIRouter(prefix="/orders/{code}/doubts", include_in_schema=False, route_class=Shown)
_ORDERS = BY_NAME["orders"]


@pages.get("", **needs(Right.SETTLE_DOUBTS))
async def doubts(code: str, viewer: AsViewer) -> Response:
    return await _page(viewer, code)


@pages.post("", **needs(Right.SETTLE_DOUBTS))
async def give_back(code: str, viewer: AsViewer) -> Response:
    """Of the number that was chosen there is no such piece: it may be marked further."""
    form = viewer.form
    faults = [Fault(name, "missing") for name in ("number", "reason") if not form.get(name)]
    if faults or not form.get("number").isdecimal():
        return await _page(viewer, code, faults)
    path = f"{_ORDERS.path_of(code)}/numbers/{form.get('number')}/return"
    body = {"reason": form.get("reason")}
    told = await ask(viewer, "POST", path, body=body, key=form.get("once")[:100])
    if not told.is_good:
        return await _page(viewer, code, wrong=told)
    return viewer.go(f"{_ORDERS.path_of(code)}/doubts")


async def _page(
    viewer: Viewer, code: str, faults: list[Fault] | None = None, wrong: Answer | None = None
) -> Response:
    told = await look(viewer, f"{_ORDERS.path_of(code)}/doubts")
    d = load(viewer.language, "desks")
    found = told.body["items"]
    return viewer.page(
        "doubts.html",
        422 if faults or wrong else 200,
        code=code,
        back=_ORDERS.path_of(code),
        found=Teller(d, desk="doubts").value("doubts", found),
        numbers=sorted({each["number"] for each in found}),
        faults=faults or [],
        wrong=wrong,
        form=viewer.form,
        once=viewer.form.get("once") or secrets.token_urlsafe(16),
        d=d,
    )

"""The page on which a file of many rows is rehearsed and taken in."""

import secrets
from typing import Any, get_args

from fastapi import APIRouter
from fastapi.responses import Response

from central.access.roles import Right
from central.api.desk import needs
from central.api.limit import LARGEST_FILE
from central.register.imports.models import ImportKind
from central.screens.desks.asking import Answer, ask
from central.screens.desks.table import BY_NAME
from central.screens.faults import Fault
from central.screens.texts import load
from central.screens.viewer import AsViewer, Shown, Viewer

pages = APIRouter(include_in_schema=False, route_class=Shown)
ADDRESS = "/uploads/imports"
AROUND = 64 * 1024
"""What a form has besides its file, in bytes."""
MOST_SHOWN = 500
"""Of the rows that are refused, so many stand on the page."""
KINDS: tuple[ImportKind, ...] = get_args(ImportKind)


@pages.get(ADDRESS, **needs(Right.IMPORT))
def empty(viewer: AsViewer) -> Response:
    return _page(viewer)


@pages.post(ADDRESS, **needs(Right.IMPORT))
async def sent(viewer: AsViewer) -> Response:
    """Rehearsed, or taken in: by the button that was pressed."""
    form, file = viewer.form, viewer.form.file
    taking = form.get("do") == "take-in"
    missing = [name for name in ("kind", "number") if not form.get(name)]
    if not taking:
        missing = [name for name in missing if name != "number"]
    faults = [Fault(name, "missing") for name in missing]
    if file is None or not file.content:
        faults.append(Fault("file", "file-missing"))
        return _page(viewer, faults)
    if faults:
        return _page(viewer, faults)
    query = {"kind": form.get("kind")}
    if not taking:
        told = await ask(viewer, "POST", "/imports/rehearsals", query=query, content=file.content)
        return _page(viewer, told=told, file=file.name)
    query |= {"number": form.get("number"), "file": file.name[-200:], "reason": form.get("reason")}
    once = form.get("once") or secrets.token_urlsafe(16)
    told = await ask(viewer, "POST", "/imports", query=query, content=file.content, key=once[:100])
    if told.is_good:
        return viewer.go(BY_NAME["imports"].path_of(form.get("number")))
    return _page(viewer, told=told, file=file.name)


def _page(
    viewer: Viewer,
    faults: list[Fault] | None = None,
    *,
    told: Answer | None = None,
    file: str = "",
) -> Response:
    """`told`: what came of a rehearsal, or why it was not taken in. A page that asks by itself, so
    that the file stays chosen, is told that alone."""
    alone = viewer.wants_part
    values: dict[str, Any] = {
        "faults": faults or [],
        "told": told,
        "file": file,
        "form": viewer.form,
        "kinds": KINDS,
        "most": MOST_SHOWN,
        "largest": LARGEST_FILE // 2**20,
        "once": viewer.form.get("once") or secrets.token_urlsafe(16),
        "d": load(viewer.language, "desks"),
    }
    wrong = bool(faults) or (told is not None and not told.is_good)
    # What is shown in place of another part is shown whatever its status: a script would not.
    status = 422 if wrong and not alone else 200
    return viewer.page("upload-report.html" if alone else "upload.html", status, **values)

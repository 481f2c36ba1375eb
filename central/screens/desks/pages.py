"""The pages of every desk: its list, one of them with what was done to it, and its forms."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from central.access.roles import Right
from central.api.desk import needs
from central.errors import NotFound
from central.register.subject import no_such
from central.screens.desks.asking import PREFIX, Answer, ask, look
from central.screens.desks.description import Description, Step
from central.screens.desks.faults import Faults, faults
from central.screens.desks.fields import Drawer, Field, Kind
from central.screens.desks.hints import Hints
from central.screens.desks.marking import marks_of
from central.screens.desks.paper import MEDIA_TYPE, Paper, draw, text_of
from central.screens.desks.preview import FIELD as PREVIEW
from central.screens.desks.preview import Previewed, previewed, sketch_of
from central.screens.desks.showing import WIDE, Teller
from central.screens.desks.showing import Shown as Value
from central.screens.desks.table import BY_NAME, DESKS, Desk
from central.screens.qr import drawn as symbol_of
from central.screens.texts import load
from central.screens.viewer import AsViewer, Shown, Viewer
from central.screens.words import moment

ROWS = 50
MALFORMED = 422
PROPOSED = 202
"""What the interface answers where it is not done until another person confirms it."""
_ACTS = "100"
_OF_WHAT_IS_THERE = frozenset({"amend", "roles", "settle-fork"})
"""Steps whose form begins with what stands."""
Doing = Annotated[str, Query(alias="do", max_length=40)]


class Head(NamedTuple):
    """Of a column. `path`: to the list sorted by it, where it can be; `order`: as aria-sort has it,
    where it is."""

    label: str
    path: str = ""
    order: str = ""


def _pages(desk: Desk) -> APIRouter:
    pages = APIRouter(include_in_schema=False, route_class=Shown)

    @pages.get(desk.path, **needs(desk.right))
    async def several(viewer: AsViewer, do: Doing = "") -> Response:
        if do == "new":
            return empty_form(viewer, desk)
        return await _list(viewer, desk)

    @pages.post(desk.path, **needs(desk.right))
    async def enter(viewer: AsViewer) -> Response:
        step = _new(viewer, desk)
        path = desk.new or desk.path
        return await _send(viewer, desk, path, step, back=desk.path) if step else viewer.go("/")

    if desk.opens:

        @pages.get(desk.path + "/{key:path}", **needs(desk.right))
        async def one(key: str, viewer: AsViewer, do: Doing = "") -> Response:
            if do == "print" and desk.paper:
                return await _paper(viewer, desk, key)
            return await one_of(viewer, desk, key, do)

        @pages.post(desk.path + "/{key:path}", **needs(desk.right))
        async def change(key: str, viewer: AsViewer, do: Doing = "") -> Response:
            step = _step(viewer, desk, do)
            if step is None:
                return viewer.go(desk.path_of(key))
            path = desk.path_of(key)
            return await _send(viewer, desk, f"{path}/{step.name}", step, back=path, key=key)

    return pages


ROUTERS = tuple(_pages(desk) for desk in DESKS)


# --- what is shown ------------------------------------------------------------------------------


async def _list(viewer: Viewer, desk: Desk) -> Response:
    description, teller = _description(viewer.request), _teller(viewer, desk)
    filters = description.filters(desk.path)
    asked = viewer.request.query_params
    wanted = {name: asked[name] for name in filters if asked.get(name, "").strip()}
    default, sorts = description.sorts(desk.path)
    chosen = asked["sort"] if asked.get("sort") in sorts else desk.order or default
    sorted_by = {"sort": chosen} if chosen != (desk.order or default) else {}
    follows = description.follows(desk.path)
    place = {follows: asked[follows]} if asked.get(follows) else {}
    query = wanted | sorted_by
    ordered = wanted | ({"sort": chosen} if sorts else {})
    told = await ask(viewer, "GET", desk.path, query=ordered | place | {"limit": str(ROWS)})
    rows = told.body.get("items", []) if told.is_good else []
    after = told.body.get("next") if told.is_good else None
    return _draw(
        viewer,
        "desk-list.html",
        desk,
        status=told.status,
        told=told,
        filters=_filters(desk, filters, wanted, teller),
        told_as=lambda name, code: teller.value(name, code).text,
        filtered=bool(wanted),
        sort=sorted_by.get("sort", ""),
        heads=[_head(name, teller.label(name), sorts, chosen, wanted) for name in desk.columns],
        rows=[
            (
                _row_path(desk, row),
                [teller.value(name, row.get(name)) for name in desk.columns],
            )
            for row in rows
        ],
        numbers=description.numbers(desk.path, desk.columns),
        first="?" + urlencode(query) if place else "",
        after="?" + urlencode(query | {follows: after}) if after else "",
        exports=[
            (form, f"{PREFIX}{desk.path}?" + urlencode(ordered | {"format": form}))
            for form in ("csv", "jsonl")
        ],
        new=_entrance(viewer, desk),
    )


def _head(
    name: str, label: str, sorts: Collection[str], now: str, wanted: Mapping[str, str]
) -> Head:
    """It leads to the list by this column, and from there to the same the other way round."""
    if name not in sorts:
        return Head(label)
    down = f"-{name}"
    order = {name: "ascending", down: "descending"}.get(now, "")
    following = down if now == name else name
    return Head(label, "?" + urlencode({**wanted, "sort": following}), order)


async def one_of(viewer: Viewer, desk: Desk, key: str, do: str) -> Response:
    """The page of one, or the form of a step."""
    path = desk.path_of(key)
    told = await ask(viewer, "GET", path)
    if told.status == MALFORMED:  # a key that no such subject can have
        return viewer.problem(NotFound(no_such(desk.subject or desk.name, key)))
    if not told.is_good:
        return _draw(viewer, "desk-problem.html", desk, status=told.status, told=told)
    step = _step(viewer, desk, do)
    if step is not None:
        whole = await ask(viewer, "GET", _entry(desk, key)) if desk.entry else told
        known = whole.body if step.name in _OF_WHAT_IS_THERE else {}
        drawer = Drawer(_description(viewer.request), desk.lines(step.name, whole.body))
        drawn = drawer.fields(step.body, known | {"reason": ""})
        version = whole.version
        sketch = None
        if _is_previewed(desk, step):
            sketch = await _sketch(viewer, desk, {}, whole.body, drawn)
        return _form(viewer, desk, step, drawn, back=path, key=key, version=version, sketch=sketch)
    proposed: Mapping[str, Any] = {}
    if desk.proposals and viewer.may(Right.READ_PROPOSALS):
        query = {"kind": desk.proposals, "key": key, "state": "open"}
        proposed = (await look(viewer, "/proposals", query)).body
    acts: Mapping[str, Any] = {}
    if desk.subject and viewer.may(Right.READ_ACTS):
        after = viewer.request.query_params.get("after", "0")
        query = {"subject": desk.subject, "key": key, "limit": _ACTS, "after": after}
        acts = (await look(viewer, "/acts", query)).body
    item = await _whole(viewer, desk, key, told)
    facts = _teller(viewer, desk).facts(_read(viewer, desk, item))
    return _draw(
        viewer,
        "desk-one.html",
        desk,
        key=key,
        says=desk.says(told.body, viewer.language) if desk.says else (),
        related=_related(viewer, desk, key),
        anew=desk.new and _new(viewer, desk) and f"?do=new&{desk.subject}={quote(key)}",
        state=_teller(viewer, desk).value("state", told.body.get("state")),
        facts=[each for each in facts if each[1].shape not in WIDE],
        sections=[each for each in facts if each[1].shape in WIDE],
        marks=tuple(map(sketch_of, marks_of(item))) if desk.marks else (),
        below=await _below(viewer, desk, key),
        steps=steps_of(viewer, desk, told.body),
        proposed=proposed.get("items", []),
        acts=acts.get("items", []),
        later=acts.get("next"),
    )


async def _whole(viewer: Viewer, desk: Desk, key: str, told: Answer) -> Mapping[str, Any]:
    """With what of it is told at its entry alone."""
    if not desk.whole:
        return told.body
    entry = (await look(viewer, _entry(desk, key))).body
    return told.body | {name: entry.get(name) for name in desk.whole}


def _read(viewer: Viewer, desk: Desk, item: Mapping[str, Any]) -> Mapping[str, Any]:
    return desk.read(item, viewer.language) if desk.read else item


async def _paper(viewer: Viewer, desk: Desk, key: str) -> Response:
    told = await ask(viewer, "GET", desk.path_of(key))
    if not told.is_good:
        return _draw(viewer, "desk-problem.html", desk, status=told.status, told=told)
    teller, now = _teller(viewer, desk), moment(datetime.now(UTC))
    item = _read(viewer, desk, await _whole(viewer, desk, key, told))
    printed = {name: value for name, value in item.items() if name not in desk.unprinted}
    drawn = Paper(
        title=teller.d(desk.name, "one"),
        key=key,
        state=text_of(teller.value("state", told.body.get("state"))),
        told=await _with_names(viewer, teller.facts(printed)),
        foot=teller.d("Printed {when} by {who}", when=now, who=viewer.person),
        language=viewer.language,
        check=desk.check(told.body, viewer.language, viewer.screens.origin) if desk.check else None,
    )
    name = quote(f"{desk.subject}-{key}.pdf", safe="")
    return Response(
        await run_in_threadpool(draw, drawn, teller.d),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f"inline; filename*=UTF-8''{name}"},
    )


async def _with_names(
    viewer: Viewer, facts: Sequence[tuple[str, Value]]
) -> list[tuple[str, Value]]:
    """With the name of each entity beside its code: on paper there is no link to follow."""
    found = []
    for label, shown in facts:
        if shown.shape == "link" and shown.path.startswith(f"{BY_NAME['entities'].path}/"):
            name = (await ask(viewer, "GET", shown.path)).body.get("name")
            shown = replace(shown, text=f"{shown.text}, {name}") if name else shown
        found.append((label, shown))
    return found


def empty_form(viewer: Viewer, desk: Desk) -> Response:
    """In which one is entered."""
    step = _new(viewer, desk)
    if step is None:
        return viewer.go(desk.path)
    names, asked = step.body.get("properties", {}), viewer.request.query_params
    known = {name: asked[name] for name in names if name in asked}
    drawn = Drawer(_description(viewer.request)).fields(step.body, known)
    return _form(viewer, desk, step, drawn, back=desk.path)


async def _send(
    viewer: Viewer, desk: Desk, path: str, step: Step, *, back: str, key: str = ""
) -> Response:
    """What the form brought; it is done once, however often it is sent."""
    form = viewer.form
    version, once = form.get("version"), form.get("once") or secrets.token_urlsafe(16)
    more: Any = {"version": version, "once": once}
    known: Mapping[str, Any] = {}
    if step.name == "amend" or step.name in desk.answers:
        known = (await ask(viewer, "GET", _entry(desk, key) if desk.entry else back)).body
    drawer = Drawer(_description(viewer.request), desk.lines(step.name, known))
    body = drawer.read(step.body, form)
    if form.get(PREVIEW) and _is_previewed(desk, step):
        drawn = drawer.again(step.body, form)
        sketch = await _sketch(viewer, desk, body, known, drawn)
        return _form(viewer, desk, step, drawn, back=back, key=key, sketch=sketch, **more)
    if step.name == "amend":
        body = drawer.changed(step.body, known, body)
    else:
        body = drawer.begun(step.body, body)
    body = desk.answered(body)
    told = await ask(viewer, "POST", path, body=body, key=once[:100], version=version)
    if not told.is_good:
        drawn = drawer.again(step.body, form)
        wrong = faults(told, drawn)
        return _form(
            viewer, desk, step, drawn, back=back, key=key, wrong=wrong, status=told.status, **more
        )
    if told.status == PROPOSED:
        return viewer.go(f"/proposals/{quote(told.body['number'])}")
    if key and step.name not in desk.scanned:
        return viewer.go(back)
    if not key and all(name in told.body for name in desk.key) and desk.opens and not desk.new:
        return viewer.go(desk.path_of(desk.key_of(told.body)))
    facts, symbol = _teller(viewer, desk).facts(told.body), None
    if step.name in desk.scanned:
        here = viewer.screens.origin or str(viewer.request.base_url).rstrip("/")
        symbol = symbol_of(here + desk.scanned[step.name](told.body))
    return _draw(viewer, "desk-told.html", desk, facts=facts, back=back, symbol=symbol)


def _form(
    viewer: Viewer,
    desk: Desk,
    step: Step,
    drawn: tuple[Field, ...],
    *,
    back: str,
    key: str = "",
    version: str = "",
    once: str = "",
    wrong: Faults | None = None,
    sketch: Previewed | None = None,
    status: int = 200,
) -> Response:
    """`sketch`: what it would make; a page that asks while somebody types is told that alone."""
    alone = sketch is not None and viewer.wants_part
    return _draw(
        viewer,
        "desk-preview.html" if alone else "desk-form.html",
        desk,
        sketch=sketch,
        previewed=_is_previewed(desk, step),
        sent={name for name, _ in viewer.form.fields},
        status=status,
        step=step.name,
        fields=drawn,
        hint=Hints(load(viewer.language, "desks"), desk, step.name).of,
        digests=any(each.holds("digest") for each in drawn),
        back=back,
        key=key,
        version=version,
        once=once or secrets.token_urlsafe(16),
        wrong=wrong,
    )


def _draw(
    viewer: Viewer, template: str, desk: Desk, *, status: int = 200, **values: Any
) -> Response:
    return viewer.page(template, status, desk=desk, d=load(viewer.language, "desks"), **values)


# --- what may be done ---------------------------------------------------------------------------


def _new(viewer: Viewer, desk: Desk) -> Step | None:
    step = _description(viewer.request).new(desk.new or desk.path)
    return desk.asked(step) if step is not None and viewer.may(step.right) else None


def _step(viewer: Viewer, desk: Desk, name: str) -> Step | None:
    found = _description(viewer.request).steps(desk.one)
    allowed = (each for each in found if each.name == name and viewer.may(each.right))
    return next(map(desk.asked, allowed), None)


def steps_of(viewer: Viewer, desk: Desk, item: Mapping[str, Any]) -> list[str]:
    """What they may do with one, in the state that it is in."""
    return [
        each.name
        for each in _description(viewer.request).steps(desk.one)
        if viewer.may(each.right) and desk.is_open_to(each.name, item)
    ]


def _is_previewed(desk: Desk, step: Step) -> bool:
    return bool(desk.preview) and step.name in ("new", "amend")


async def _sketch(
    viewer: Viewer,
    desk: Desk,
    body: Mapping[str, Any],
    known: Mapping[str, Any],
    drawn: tuple[Field, ...],
) -> Previewed:
    description = _description(viewer.request)
    return await previewed(viewer, description, desk.preview, body, known, drawn)


def _entrance(viewer: Viewer, desk: Desk) -> str:
    """Where one is entered, if they may."""
    if desk.page is not None:
        path, right = desk.page
        return path if viewer.may(right) else ""
    return f"{desk.path}?do=new" if _new(viewer, desk) else ""


async def _below(viewer: Viewer, desk: Desk, key: str) -> list[tuple[str, Value, bool]]:
    """(label, table, whether there is more of it) of each list that lies below one."""
    found, teller = [], _teller(viewer, desk)
    for name in desk.lists:
        told = await look(viewer, f"{desk.path_of(key)}/{name}", {"limit": _ACTS})
        shown = teller.value(name, told.body.get("items"))
        if shown.shape != "nothing":
            found.append((teller.d(name, "list"), shown, told.body.get("next") is not None))
    return found


def _row_path(desk: Desk, row: Mapping[str, Any]) -> str:
    if desk.opens:
        return desk.path_of(desk.key_of(row))
    return desk.leads(row) if desk.leads else ""


def _related(viewer: Viewer, desk: Desk, key: str) -> list[tuple[str, str]]:
    """(words, where they lead): lists with this one's key for a filter, and pages below it."""
    found = [(BY_NAME[name], filtered) for name, filtered in desk.related]
    d = load(viewer.language, "desks")
    links = [
        (d(other.name, "desk"), f"{other.path}?" + urlencode({filtered: key}))
        for other, filtered in found
        if viewer.may(other.right)
    ]
    own = [
        (d(name, "list"), f"{desk.path_of(key)}/{name}")
        for name, right in desk.below
        if viewer.may(right)
    ]
    return links + own


def _filters(
    desk: Desk, filters: Mapping[str, Any], wanted: Mapping[str, str], teller: Teller
) -> list[tuple[str, Field]]:
    """Of a list: a choice where the values are known, else a text."""
    found = []
    for name, schema in filters.items():
        options = desk.choices.get(name) or tuple(map(str, schema.get("enum", ())))
        if schema.get("type") == "boolean":
            options = ("true", "false")
        kind: Kind = "choice" if options else "text"
        value = wanted.get(name, "")
        options = ("", *options) if options else ()
        found.append((teller.label(name), Field(name, name, kind, options=options, value=value)))
    return found


def _entry(desk: Desk, key: str) -> str:
    return desk.entry.replace("{code}", key)


def _teller(viewer: Viewer, desk: Desk) -> Teller:
    return Teller(load(viewer.language, "desks"), desk.feminine, desk.name)


def _description(request: Request) -> Description:
    """Of this server; it is read once."""
    state = request.app.state
    if not hasattr(state, "description"):
        state.description = Description(request.app.openapi())
    found: Description = state.description
    return found

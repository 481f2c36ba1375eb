"""Who looks at a page: signed in, in a role that may; and what a page's handler does with them.

    pages = APIRouter(route_class=Shown, include_in_schema=False)

    @pages.get("/licences/{number}", **needs(Right.READ_SUBJECTS))
    def licence(number: str, viewer: AsViewer) -> Response:
        with viewer.looking() as connection:
            return viewer.page("licence.html", found=LICENCE.require(connection, number))

    @pages.post("/licences/{number}/suspend", **needs(Right.DECIDE_LICENCES))
    def suspend(number: str, viewer: AsViewer) -> Response:
        why = Why(viewer.form.get("reason"))
        viewer.act(lambda work: licences.suspend(work, number, why))
        return viewer.go(f"/licences/{number}")

Who is not signed in is led to the sign-in and back. An error of the register that a handler lets
out becomes a page that says what it means; a desk that says it beside a field catches it.
"""

import secrets
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from central.access import browsing, tokens
from central.access.deciding import waiting_for
from central.access.roles import RIGHTS, Right, Role
from central.access.tokens import Bearer
from central.api.desk import Needs, transaction
from central.api.limit import TOO_LARGE
from central.errors import Forged, GjurmaError, NotFound, Refused, Unauthorized
from central.queries.reading import snapshot
from central.register.acts import By, Work
from central.said import said
from central.screens.drawing import Screens, language_of
from central.screens.texts import Language

T = TypeVar("T")
Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]
ANYBODY = "anybody"
"""In the place of a right: whoever is signed in."""
_FORM = "application/x-www-form-urlencoded"
_FORM_WITH_FILE = "multipart/form-data"
_FIELDS = 1000


def anybody() -> Needs:
    """What a page needs that is everybody's who is signed in."""
    return {"openapi_extra": {"x-right": ANYBODY}}


@dataclass(frozen=True)
class File:
    """One that was sent; `name` is what its sender calls it."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Form:
    """The fields of a form as they were sent; what was not sent is empty."""

    fields: tuple[tuple[str, str], ...] = ()
    file: File | None = None
    """Of a form that has one."""

    def get(self, name: str) -> str:
        """Its value without the space around it."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """Its value to the letter, as a password is."""
        return next((value for key, value in self.fields if key == name), "")

    def all(self, name: str) -> Sequence[str]:
        """Of a field that may be sent several times, as a list of boxes is."""
        return [value for key, value in self.fields if key == name]


@dataclass(frozen=True)
class Visitor:
    """Who asks for a page, as far as anybody knows: a browser, its language, its form."""

    request: Request
    screens: Screens
    secret: str
    """Of the cookie that the forms of this browser are bound to."""
    fresh: bool = False
    """Whether the cookie is still to be given."""
    form: Form = field(default_factory=Form)

    @property
    def language(self) -> Language:
        return language_of(self.request)

    @property
    def address(self) -> str:
        """Where the request came from."""
        return self.request.client.host if self.request.client else ""

    def cookie(self, name: str) -> str:
        """What the browser holds of ours under that name, or nothing."""
        return self.screens.cookies.get(self.request, name)

    @property
    def csrf(self) -> str:
        """Stands in every form as `csrf`; a script sends it as `X-CSRF-Token`."""
        return browsing.csrf(self.secret)

    @property
    def wants_part(self) -> bool:
        """Whether a script asks for a part of a page, and puts in its place what is answered."""
        return _wants_part(self.request)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Draw it. `viewer` and `t` are there in every template."""
        response = self.screens.draw(
            self.request, template, status, **self._known(), csrf=self.csrf, **values
        )
        if self.fresh:
            self.screens.cookies.put(response, browsing.VISIT, self.secret)
        return response

    def problem(self, error: GjurmaError | DBAPIError) -> Response:
        """The page of an error, in words."""
        values = {**self._known(), "csrf": self.csrf}
        return self.screens.problem(self.request, error, values, part=self.wants_part)

    def go(self, path: str) -> Response:
        """To another page, which is then asked for anew: after a form, always."""
        return RedirectResponse(path, 303)

    def check_form(self) -> None:
        """Raises `Forged` unless what changes something comes from a page of ours."""
        if self.request.method in browsing.SAFE:
            return
        told = self.request.headers.get(browsing.HEADER) or self.form.get(browsing.FIELD)
        ours = browsing.from_here(self.request, self.screens.origin)
        if not (ours and browsing.is_csrf(self.secret, told)):
            raise Forged(said("the form was not sent from a page of this session"))

    def _known(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, kw_only=True)
class Viewer(Visitor):
    """Who is signed in. `by` is as whom they act here: with an entity where they reach no further
    than their own."""

    bearer: Bearer
    by: By
    waiting: int = 0
    """So many proposals that they may be the second person of."""

    @property
    def person(self) -> str:
        return self.bearer.person

    @property
    def account(self) -> str:
        return self.bearer.account

    @property
    def role(self) -> Role:
        return self.bearer.role

    @property
    def entity(self) -> str | None:
        """Which the account acts for, if it is one's."""
        return self.bearer.entity

    @property
    def session(self) -> str:
        """The id of the token that this session is."""
        return self.bearer.token

    @property
    def counted(self) -> str:
        """Under which tries of a password or a code are counted here: nobody else spends them."""
        return f"{self.account} {self.session}"

    def may(self, right: Right | str) -> bool:
        """Whether the role has it: for what a page offers."""
        return self.role in RIGHTS[Right(right)]

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """One consistent look at the register. Raises `DatabaseUnavailable`."""
        with snapshot(self.screens.engine) as connection:
            yield connection

    def act(self, do: Callable[[Work], T], *, version: str = "") -> T:
        """Do it in one transaction. `version`: what the form's subject had when it was shown, as
        its hidden field tells; raises `Stale` where it has changed since."""
        if version and not version.isdecimal():
            raise Refused(said("version: a whole number"))
        expected = frozenset({int(version)} if version else ())

        def work(connection: Connection) -> T:
            return do(Work(connection, self.by, expected))

        return transaction(self.screens.engine, work)

    def _known(self) -> dict[str, Any]:
        entries = [entry for entry in self.screens.entries if self.may(entry.right)]
        return {"viewer": self, "entries": entries}


class Shown(APIRoute):
    """A page of who is signed in and has its right: `needs(right)` or `anybody()` says which, or
    the server does not start. Nothing of the request is looked at before."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        named = (self.openapi_extra or {})["x-right"]
        right = None if named == ANYBODY else Right(named)

        async def shown(request: Request) -> Response:
            screens = Screens.of(request)
            try:
                viewer = await run_in_threadpool(_signed_in, request, screens)
            except Unauthorized:
                return _to_sign_in(request, screens)
            except (GjurmaError, DBAPIError) as error:
                return screens.problem(request, error, {})
            return await _answer(request, handle, viewer, right)

        return shown


class Open(APIRoute):
    """A page that needs nobody to be signed in; its forms are bound to the browser all the same."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def opened(request: Request) -> Response:
            screens = Screens.of(request)
            secret = screens.cookies.get(request, browsing.VISIT)
            visitor = Visitor(request, screens, secret or secrets.token_urlsafe(32), not secret)
            return await _answer(request, handle, visitor)

        return opened


async def _answer(
    request: Request, handle: Handler, visitor: Visitor, right: Right | None = None
) -> Response:
    """Whose form it is and whether they may, then what the handler says of it."""
    try:
        if isinstance(visitor, Viewer) and right is not None:
            visitor = replace(visitor, by=visitor.bearer.by(right))
        visitor = replace(visitor, form=await _form(request))
        visitor.check_form()
        request.state.visitor = visitor
        return await handle(request)
    except RequestValidationError:
        return visitor.problem(NotFound("no such address"))
    except (GjurmaError, DBAPIError) as error:
        return visitor.problem(error)


async def _form(request: Request) -> Form:
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == _FORM_WITH_FILE:
        return await _form_with_file(request)
    if kind != _FORM:
        return Form()
    try:
        text = (await request.body()).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS)
    except ValueError as error:  # what is no UTF-8 too
        raise Refused(said("the form cannot be read")) from error
    return Form(tuple((name, value.replace("\0", "")) for name, value in pairs))


async def _form_with_file(request: Request) -> Form:
    """How large it may be, says its address: see `central.api.limit`."""
    try:
        async with request.form(max_files=1, max_fields=_FIELDS) as sent:
            fields, file = [], None
            for name, value in sent.multi_items():
                if isinstance(value, str):
                    fields.append((name, value.replace("\0", "")))
                elif value.filename:
                    file = File(value.filename, await value.read())
    except HTTPException as error:
        if error.status_code == TOO_LARGE:
            raise Refused(said("what was sent is larger than this page takes")) from error
        raise Refused(said("the form cannot be read")) from error
    return Form(tuple(fields), file)


def _signed_in(request: Request, screens: Screens) -> Viewer:
    """Raises `Unauthorized`."""
    secret = screens.cookies.get(request, browsing.SESSION)
    if not secret:
        raise Unauthorized("nobody is signed in")
    with snapshot(screens.engine) as connection:
        bearer = tokens.bearer(connection, secret, in_session=True)
        waiting = waiting_for(connection, bearer)
    by = By(bearer.account, bearer.role, bearer.entity)
    viewer = Viewer(request, screens, secret, bearer=bearer, by=by, waiting=waiting)
    screens.presence.note(bearer.token, viewer.address, request.headers.get("User-Agent", ""))
    return viewer


def _to_sign_in(request: Request, screens: Screens) -> Response:
    """With the way back; what was sent by a form is not sent again."""
    address = "/sign-in"
    part = _wants_part(request)
    url = urlsplit(request.headers.get("HX-Current-URL", "") if part else str(request.url))
    here = url.path + (f"?{url.query}" if url.query else "")
    if (part or request.method == "GET") and here not in ("", "/"):
        address += "?next=" + quote(here, safe="")
    # A redirection would be followed for the part: the whole page has to go.
    response = (
        Response(headers={"HX-Redirect": address}) if part else RedirectResponse(address, 303)
    )
    if screens.cookies.get(request, browsing.SESSION):
        screens.cookies.drop(response, browsing.SESSION)
    return response


def _wants_part(request: Request) -> bool:
    return "HX-Request" in request.headers and "HX-Boosted" not in request.headers


def local(path: str) -> str:
    """An address to go to after the sign-in: one of ours, else the first page."""
    try:
        parts = urlsplit(path)
    except ValueError:
        return "/"
    ours = path.startswith("/") and not parts.scheme and not parts.netloc
    odd = any(ord(each) <= 32 or each == "\\" for each in path) or path.startswith("//")
    return path if ours and not odd and len(path) <= 2000 else "/"


def _visitor(request: Request) -> Visitor:
    found = request.state.visitor
    assert isinstance(found, Visitor)
    return found


def _viewer(request: Request) -> Viewer:
    found = request.state.visitor
    assert isinstance(found, Viewer)
    return found


AsVisitor = Annotated[Visitor, Depends(_visitor)]
AsViewer = Annotated[Viewer, Depends(_viewer)]

"""Signing in, step by step, and out; and the first administrator's account by its one-time code.

A password, then a code where the account has a second factor, then one of several roles; or in the
place of the first two an agency's sign-on (`agency`). What is
proved on the way is kept under a cookie of its own; a session begins when all of it is.
"""

from collections.abc import Callable
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy import Connection

from central.access import accounts, browsing, half, known, tokens
from central.access.accounts import Account, Setup
from central.access.half import Proved
from central.access.roles import Role
from central.errors import InvitationInvalid, TooMany, Unauthorized, WrongCode
from central.queries.reading import snapshot
from central.register.acts import By, Why, Work
from central.screens import checking, texts
from central.screens.codes import enrolment, told_once
from central.screens.faults import Fault, found
from central.screens.viewer import AsViewer, AsVisitor, Open, Shown, Visitor, anybody, local

pages = APIRouter(include_in_schema=False, route_class=Open)
out = APIRouter(include_in_schema=False, route_class=Shown)

OF_SETUP = (
    Fault("code", "setup-code"),
    Fault("name", "account-name"),
    Fault("person", "person-name"),
    Fault("password", "password-short"),
)


@pages.get("/sign-in")
def ask_who(visitor: AsVisitor) -> Response:
    request = visitor.request
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        # A link elsewhere led here: only what a page of ours asks for brings the session's cookie.
        query = str(request.url.query)
        return visitor.page("onwards.html", to="/sign-in" + (f"?{query}" if query else ""))
    with snapshot(visitor.screens.entrance.engine) as connection:
        if accounts.nobody(connection):
            return visitor.go("/setup")
        if _signed_in(connection, visitor):
            return visitor.go(_next(visitor))
    return form(visitor)


@pages.post("/sign-in")
def sign_in(visitor: AsVisitor) -> Response:
    name, password = visitor.form.get("account"), visitor.form.raw("password")
    faults = [] if name else [Fault("account", "account-missing")]
    faults += [] if password else [Fault("password", "password-missing")]
    if faults:
        return form(visitor, faults=faults, status=422)
    screens, browser = visitor.screens, visitor.cookie(browsing.KNOWN)
    try:
        account = screens.entrance.password(
            name[:200], password[:200], browser=browser, address=visitor.address
        )
    except Unauthorized:
        return form(visitor, faults=[Fault("", "not-known")], status=403)
    except TooMany:
        return form(visitor, faults=[Fault("", "too-many")], status=429)
    return onwards(visitor, account, "password")


@pages.get("/sign-in/code")
def ask_code(visitor: AsVisitor) -> Response:
    with snapshot(visitor.screens.entrance.engine) as connection:
        if _half(connection, visitor) is None:
            return visitor.go("/sign-in")
    return _code(visitor)


@pages.post("/sign-in/code")
def prove_code(visitor: AsVisitor) -> Response:
    screens = visitor.screens
    with snapshot(screens.entrance.engine) as connection:
        begun = _half(connection, visitor)
    if begun is None:
        return _begin_again(visitor)
    name, browser = begun[0].name, visitor.cookie(browsing.KNOWN)
    try:
        screens.entrance.code(
            name, visitor.form.get("code")[:40], browser=browser, address=visitor.address
        )
    except WrongCode:
        return _code(visitor, [Fault("code", "code-wrong")], 403)
    except TooMany:
        return _code(visitor, [Fault("", "too-many-codes")], 429)
    return onwards(visitor, begun[0], "code", goes_on=True)


@pages.get("/sign-in/role")
def ask_role(visitor: AsVisitor) -> Response:
    with snapshot(visitor.screens.entrance.engine) as connection:
        begun = _half(connection, visitor)
    return visitor.go("/sign-in") if begun is None else _roles(visitor, begun[0])


@pages.post("/sign-in/role")
def choose_role(visitor: AsVisitor) -> Response:
    asked = visitor.form.get("role")
    with snapshot(visitor.screens.entrance.engine) as connection:
        begun = _half(connection, visitor)
    if begun is None:
        return _begin_again(visitor)
    account, proved = begun
    if asked not in account.roles:
        return _roles(visitor, account, [Fault("role", "role-missing")])
    return onwards(visitor, account, proved, Role(asked), goes_on=True)


@pages.get("/sign-in/enrol")
def ask_first_code(visitor: AsVisitor) -> Response:
    with snapshot(visitor.screens.entrance.engine) as connection:
        begun = _half(connection, visitor)
        if begun is None:
            return visitor.go("/sign-in")
        return _enrol(connection, visitor, begun[0])


@pages.post("/sign-in/enrol")
def prove_first_code(visitor: AsVisitor) -> Response:
    """A role that needs a second factor is entered when the first code of it has come."""
    try:
        with visitor.screens.entrance.engine.begin() as connection:
            return _enrolled(connection, visitor)
    except Unauthorized:
        return _begin_again(visitor)


def _enrolled(connection: Connection, visitor: Visitor) -> Response:
    """Raises `Unauthorized`."""
    screens, role = visitor.screens, visitor.form.get("role")
    account, _ = half.whose(connection, visitor.cookie(browsing.HALF))
    if role not in account.roles:
        return _begin_again(visitor)
    work = Work(connection, By(account.name, role, account.entity))
    try:
        with screens.entrance.attempts.attempt(f"{account.name} enrol"):
            codes = screens.entrance.factor.confirm(
                work, account.name, visitor.form.get("code")[:40]
            )
    except WrongCode:
        return _enrol(connection, visitor, account, [Fault("code", "code-wrong")], 403)
    except TooMany:
        return _enrol(connection, visitor, account, [Fault("", "too-many")], 429)
    # The act has locked the account: whoever changes its password ends this before, or waits.
    half.end(connection, visitor.cookie(browsing.HALF))
    told = told_once(visitor, codes, onwards=_next(visitor))
    return _enter(connection, visitor, account, Role(role), told)


@out.post("/sign-out", **anybody())
def sign_out(viewer: AsViewer) -> Response:
    viewer.act(lambda work: tokens.revoke(work, viewer.session, Why("signed out")))
    response = viewer.go("/sign-in")
    viewer.screens.cookies.drop(response, browsing.SESSION)
    return response


@pages.get("/setup")
def ask_first(visitor: AsVisitor) -> Response:
    with snapshot(visitor.screens.entrance.engine) as connection:
        if not accounts.nobody(connection):
            return visitor.go("/sign-in")
    return _setup(visitor)


@pages.post("/setup")
def set_up(visitor: AsVisitor) -> Response:
    form = visitor.form
    asked = {name: form.get(name) for name in ("code", "name", "person")}
    asked["password"] = form.raw("password")
    faults = []
    try:
        new = Setup.model_validate(asked)
    except ValidationError as error:
        faults = found(error, OF_SETUP)
    if form.raw("again") != form.raw("password"):
        faults.append(Fault("again", "password-other"))
    if faults:
        return _setup(visitor, faults)
    try:
        with visitor.screens.entrance.engine.begin() as connection:
            account = accounts.set_up(connection, new)
    except InvitationInvalid:
        return _setup(visitor, [Fault("code", "setup-code")], 403)
    return onwards(visitor, account, "password")


def onwards(
    visitor: Visitor,
    account: Account,
    proved: Proved,
    role: Role | None = None,
    *,
    goes_on: bool = False,
    after: str = "",
    go: Callable[[str], Response] | None = None,
) -> Response:
    """What is asked next, or the session. What was proved before is good once.

    `goes_on`: it rests on what was proved before; else that is left behind, whatever became of it.
    `after`: where they wanted to go, if the form does not say; `go`: how the browser is led there.
    """
    after, go = after or _next(visitor), go or visitor.go
    try:
        with visitor.screens.entrance.engine.begin() as connection:
            tokens.unchanged(connection, account)
            _leave_behind(connection, visitor, goes_on=goes_on)
            return _step(connection, visitor, account, proved, role, after, go)
    except Unauthorized:
        return _begin_again(visitor, after)


def _leave_behind(connection: Connection, visitor: Visitor, *, goes_on: bool) -> None:
    """Raises `Unauthorized` where what it rests on was used or has ended."""
    try:
        half.end(connection, visitor.cookie(browsing.HALF))
    except Unauthorized:
        if goes_on:
            raise


def _step(
    connection: Connection,
    visitor: Visitor,
    account: Account,
    proved: Proved,
    role: Role | None,
    after: str,
    go: Callable[[str], Response],
) -> Response:
    factor, asked = visitor.screens.entrance.factor, {"next": after}
    enrolled = factor.enrolled(connection, account.name)
    if enrolled and proved == "password":
        step = "/sign-in/code"
    elif role is None and len(account.roles) > 1:
        step = "/sign-in/role"
    else:
        role = role or account.roles[0]
        if proved == "identity" or enrolled or not factor.needed(role):
            return _enter(connection, visitor, account, role, go(after))
        factor.begin(connection, account.name)
        step, asked = "/sign-in/enrol", asked | {"role": role}
    response = go(f"{step}?{urlencode(asked)}")
    secret = half.begin(connection, account.name, proved)
    visitor.screens.cookies.put(response, browsing.HALF, secret)
    return response


def _enter(
    connection: Connection, visitor: Visitor, account: Account, role: Role, response: Response
) -> Response:
    """Begin the session; what this browser had of the way there is of no more use."""
    issued = tokens.begin(connection, account, role)
    cookies, browser = visitor.screens.cookies, visitor.cookie(browsing.KNOWN)
    if not known.which(connection, account.name, browser):
        kept = int(known.GOOD_FOR.total_seconds())
        cookies.put(
            response, browsing.KNOWN, known.remember(connection, account.name), seconds=kept
        )
    cookies.put(response, browsing.SESSION, issued.token)
    cookies.drop(response, browsing.HALF)
    cookies.drop(response, browsing.VISIT)
    return response


def _signed_in(connection: Connection, visitor: Visitor) -> bool:
    try:
        tokens.bearer(connection, visitor.cookie(browsing.SESSION), in_session=True)
    except Unauthorized:
        return False
    return True


def _half(connection: Connection, visitor: Visitor) -> tuple[Account, Proved] | None:
    """Who has proved what so far in this browser."""
    try:
        return half.whose(connection, visitor.cookie(browsing.HALF))
    except Unauthorized:
        return None


def _next(visitor: Visitor) -> str:
    """Where they wanted to go."""
    return local(visitor.form.get("next") or visitor.request.query_params.get("next", "/"))


def _begin_again(visitor: Visitor, after: str = "") -> Response:
    """Without what this browser had of the way in: it leads nowhere any more."""
    response = form(visitor, [Fault("", "begun-too-long-ago")], 403, after=after)
    visitor.screens.cookies.drop(response, browsing.HALF)
    return response


def form(
    visitor: Visitor, faults: list[Fault] | None = None, status: int = 200, *, after: str = ""
) -> Response:
    """The password is never given back."""
    return visitor.page(
        "sign-in.html",
        status,
        next=after or _next(visitor),
        agency=visitor.screens.agency.get(visitor.language, ""),
        public=(
            checking.at(visitor.language),
            texts.load(visitor.language, "public")("Public register"),
        ),
        account=visitor.form.get("account"),
        faults=faults or [],
    )


def _code(visitor: Visitor, faults: list[Fault] | None = None, status: int = 200) -> Response:
    return visitor.page("code.html", status, next=_next(visitor), faults=faults or [])


def _roles(visitor: Visitor, account: Account, faults: list[Fault] | None = None) -> Response:
    return visitor.page(
        "role.html",
        422 if faults else 200,
        account=account,
        next=_next(visitor),
        faults=faults or [],
    )


def _enrol(
    connection: Connection,
    visitor: Visitor,
    account: Account,
    faults: list[Fault] | None = None,
    status: int = 200,
) -> Response:
    role = visitor.form.get("role") or visitor.request.query_params.get("role", "")
    return enrolment(
        connection,
        visitor,
        account.name,
        faults or [],
        status,
        action="/sign-in/enrol",
        more={"role": role, "next": _next(visitor)},
    )


def _setup(visitor: Visitor, faults: list[Fault] | None = None, status: int = 422) -> Response:
    values = {name: visitor.form.get(name) for name in ("code", "name", "person")}
    return visitor.page("setup.html", status if faults else 200, values=values, faults=faults or [])

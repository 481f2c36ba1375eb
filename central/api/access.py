"""Accounts, tokens and sessions over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from sqlalchemy import Engine

from central.access import accounts, identities, tokens
from central.access.accounts import (
    ACCOUNT,
    Account,
    NewAccount,
    NewPassword,
    NewRoles,
    OwnPassword,
    Setup,
)
from central.access.entrance import Entrance
from central.access.identities import NamedIdentity
from central.access.roles import RIGHTS, Right, Role
from central.access.tokens import TOKEN, Issued, NewSession, NewToken, Token
from central.api.desk import AtDesk, Guarded, needs
from central.api.listing import Cursor, Limit, listed, where
from central.queries.paging import Page
from central.register.acts import Work
from central.register.asked import Asked, WithReason

open_to_all = APIRouter(tags=["access"])
api = APIRouter(tags=["access"], route_class=Guarded)
_Name = Annotated[str, Path(max_length=40, examples=["arben.hoxha"])]
_Id = Annotated[str, Path(max_length=40)]


class ChangedRoles(NewRoles, WithReason):
    """New roles, and why."""


class RightEntry(Asked):
    """A line of the table of who may do what."""

    right: Right
    roles: dict[Role, str]


@open_to_all.post("/setup", status_code=201, responses={403: {}, 409: {}})
def set_up(asked: Setup, request: Request) -> Account:
    """Open the first administrator's account, with the code that the first start printed."""
    engine: Engine = request.app.state.pools.entrance
    with engine.begin() as connection:
        return accounts.set_up(connection, asked)


@open_to_all.post("/sessions", status_code=201, responses={401: {}, 403: {}, 429: {}})
def sign_in(asked: NewSession, request: Request) -> Issued:
    """A token for twelve hours, by name and password, and a code where the account has a second
    factor."""
    entrance: Entrance = request.app.state.entrance
    return entrance.session(asked, request.client.host if request.client else "")


@api.post(
    "/password", response_model=Account, responses={429: {}}, **needs(Right.CHANGE_OWN_PASSWORD)
)
def change_own_password(asked: OwnPassword, desk: AtDesk, request: Request) -> Response:
    """Of the account that asks. Its other sessions end; this one, and issued tokens, stay."""

    def change(work: Work) -> Account:
        account = accounts.change_own_password(work, asked)
        tokens.end_sessions(work, account.name, tokens.PASSWORD_CHANGED, but=desk.bearer.token)
        return account

    with request.app.state.entrance.signed_in(desk.by.account):
        return desk.act(change, asks_secretly=True)


@open_to_all.get("/rights")
def rights() -> list[RightEntry]:
    """Who may do what: by right, the roles that have it, and for which entities."""
    return [
        RightEntry(right=right, roles={role: str(scope) for role, scope in roles.items()})
        for right, roles in RIGHTS.items()
    ]


@api.get("/accounts", response_model=Page[Account], **needs(Right.READ_ACCOUNTS))
def all_accounts(
    desk: AtDesk, limit: Limit = 100, cursor: Cursor = None, entity: str | None = None
) -> Page[Account]:
    with desk.looking() as connection:
        return listed(connection, ACCOUNT, limit, cursor, *where(ACCOUNT, entity=entity))


@api.get("/accounts/{name}", response_model=Account, **needs(Right.READ_ACCOUNTS))
def one_account(name: _Name, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        return desk.tell(ACCOUNT.require(connection, name))


@api.post("/accounts", status_code=201, response_model=Account, **needs(Right.CHANGE_ACCOUNTS))
def open_account(asked: NewAccount, desk: AtDesk) -> Response:
    return desk.act(lambda work: accounts.open_account(work, asked), 201, asks_secretly=True)


@api.post("/accounts/{name}/roles", response_model=Account, **needs(Right.CHANGE_ACCOUNTS))
def change_roles(name: _Name, asked: ChangedRoles, desk: AtDesk) -> Response:
    """Tokens for a role that it no longer has are good for nothing from now on."""
    return desk.act(lambda work: accounts.change_roles(work, name, asked, asked.why))


@api.post("/accounts/{name}/password", response_model=Account, **needs(Right.CHANGE_ACCOUNTS))
def change_password(name: _Name, asked: NewPassword, desk: AtDesk) -> Response:
    """Who is signed in by the former one is so no longer; other tokens stay."""

    def change(work: Work) -> Account:
        account = accounts.change_password(work, name, asked.password)
        tokens.end_sessions(work, name, tokens.PASSWORD_CHANGED)
        return account

    return desk.act(change, asks_secretly=True)


@api.post("/accounts/{name}/disable", response_model=Account, **needs(Right.CHANGE_ACCOUNTS))
def disable(name: _Name, asked: WithReason, desk: AtDesk) -> Response:
    """Its tokens are good for nothing while it is disabled."""
    return desk.act(lambda work: accounts.change_state(work, name, "disabled", asked.why))


@api.post("/accounts/{name}/enable", response_model=Account, **needs(Right.CHANGE_ACCOUNTS))
def enable(name: _Name, asked: WithReason, desk: AtDesk) -> Response:
    return desk.act(lambda work: accounts.change_state(work, name, "enabled", asked.why))


@api.post("/accounts/{name}/bind", response_model=Account, **needs(Right.CHANGE_ACCOUNTS))
def bind_identity(name: _Name, asked: NamedIdentity, desk: AtDesk) -> Response:
    """Whoever the agency's sign-on calls that signs in as this account from now on."""
    return desk.act(lambda work: identities.bind(work, name, asked.identity, asked.why))


@api.post("/accounts/{name}/unbind", response_model=Account, **needs(Right.CHANGE_ACCOUNTS))
def unbind_identity(name: _Name, asked: NamedIdentity, desk: AtDesk) -> Response:
    """The account's sessions end with it."""
    return desk.act(lambda work: identities.unbind(work, name, asked.identity, asked.why))


@api.get("/tokens", response_model=Page[Token], **needs(Right.READ_ACCOUNTS))
def all_tokens(
    desk: AtDesk, limit: Limit = 100, cursor: Cursor = None, account: str | None = None
) -> Page[Token]:
    with desk.looking() as connection:
        return listed(connection, TOKEN, limit, cursor, *where(TOKEN, account=account))


@api.post("/tokens", status_code=201, response_model=Issued, **needs(Right.CHANGE_ACCOUNTS))
def issue_token(asked: NewToken, desk: AtDesk) -> Response:
    """The token is told once, in this answer."""
    return desk.act(lambda work: tokens.issue(work, asked), 201, tells_once=True)


@api.post("/tokens/{token}/revoke", response_model=Token, **needs(Right.CHANGE_ACCOUNTS))
def revoke_token(token: _Id, asked: WithReason, desk: AtDesk) -> Response:
    return desk.act(lambda work: tokens.revoke(work, token, asked.why))

"""Accounts: people and systems, each with its roles and, where they have one, its entity."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from sqlalchemy import Connection, func, select

from central import schema
from central.access import passwords
from central.access.roles import OF_AN_ENTITY, Role
from central.errors import Conflict, InvitationInvalid, NotFound, WrongPassword
from central.register.acts import Act, By, Why, Work
from central.register.asked import Asked, Code, Name
from central.register.subject import Part, Row, Subject, held, new
from central.said import Word, said

AccountName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,39}$")]
Password = Annotated[SecretStr, Field(min_length=12, max_length=200)]
Roles = Annotated[tuple[Role, ...], Field(min_length=1, max_length=len(Role))]


class NewRoles(Asked):
    """Which roles, and for which entity."""

    roles: Roles
    entity: Code | None = None

    @model_validator(mode="after")
    def _within(self) -> Self:
        inside = [role for role in self.roles if role in OF_AN_ENTITY]
        if len(set(self.roles)) != len(self.roles):
            raise ValueError(said("a role stands twice"))
        if inside and len(inside) != len(self.roles):
            raise ValueError(
                said(
                    "{role} is a role of an entity; the others are the registry's",
                    role=Word(inside[0], "role"),
                )
            )
        if bool(inside) != (self.entity is not None):
            raise ValueError(said("entity stands with the roles of an entity, and there it has to"))
        return self


class NewAccount(NewRoles):
    """Without a password nobody can sign in as it; tokens may be issued for it."""

    name: AccountName
    person: Name
    password: Password | None = None


class NewPassword(Asked):
    password: Password


class OwnPassword(Asked):
    """`old` is the one that stands, `new` takes its place."""

    old: Annotated[SecretStr, Field(max_length=200)]
    new: Password

    @model_validator(mode="after")
    def _another(self) -> Self:
        if self.old == self.new:
            raise ValueError("new is another than old")
        return self


class Setup(Asked):
    """The first administrator, by the one-time code that the register's first start printed."""

    code: Annotated[str, Field(min_length=20, max_length=100)]
    name: AccountName
    person: Name
    password: Password


class Identity(BaseModel):
    """Whom an agency's sign-on knows: by `subject`, which is somebody's for good among those of
    `issuer`."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    issuer: str
    subject: str


class Account(Row):
    """An account as the register holds it. `person` is whose it is, or which system's; `identities`
    those by which an agency's sign-on lets them in."""

    name: str
    person: str
    entity: str | None
    roles: tuple[Role, ...]
    state: Literal["active", "disabled"]
    created: datetime
    identities: tuple[Identity, ...] = ()


def apply(state: Account | None, act: Act) -> Account:
    """Raises `Conflict` or `NotFound`."""
    if act.what == "opened":
        new("account", state, act)
        return Account.of(act, state="active", created=act.at)
    account = held("account", state, act)
    match act.what:
        case "disabled" | "enabled":
            target = "active" if act.what == "enabled" else "disabled"
            if account.state == target:
                told = Word(target, "value")
                raise Conflict(
                    said("account {account} is {state} already", account=act.key, state=told)
                )
            change: dict[str, object] = {"state": target}
        case "roles changed":
            change = {
                "roles": tuple(map(Role, act.payload["roles"])),
                "entity": act.payload["entity"],
            }
        case "identity bound" | "identity unbound":
            change = {"identities": _identities(account, act)}
        case (
            "password changed"
            | "second factor enrolled"
            | "second factor removed"
            | "recovery codes renewed"
        ):
            change = {}
        case _:
            raise AssertionError(act.what)
    return account.model_copy(update={**change, "version": act.id})


def _identities(account: Account, act: Act) -> tuple[Identity, ...]:
    named = Identity.model_validate(act.payload)
    others = tuple(each for each in account.identities if each != named)
    if act.what == "identity bound":
        if len(others) < len(account.identities):
            raise Conflict(said("account {account} is bound to it already", account=act.key))
        return tuple(sorted((*others, named), key=lambda each: (each.issuer, each.subject)))
    if len(others) == len(account.identities):
        raise NotFound(said("account {account} is not bound to it", account=act.key))
    return others


ACCOUNT = Subject(
    "account",
    schema.account,
    Account,
    apply,
    key=("name",),
    parts={"identities": Part(schema.identity, "account")},
)


def open_account(work: Work, asked: NewAccount) -> Account:
    """Raises `Conflict`, or `NotFound` for the entity."""
    account = work.act(
        ACCOUNT, asked.name, "opened", asked.model_dump(mode="json", exclude={"password"})
    )
    if asked.password is not None:
        passwords.keep_password(work.connection, asked.name, asked.password.get_secret_value())
    return account


def change_roles(work: Work, name: str, asked: NewRoles, why: Why) -> Account:
    """Its tokens for a role that it no longer has are good for nothing. Raises `Conflict`."""
    account = work.act(
        ACCOUNT,
        name,
        "roles changed",
        asked.model_dump(mode="json", include=set(NewRoles.model_fields)),
        why=why,
        expects=True,
    )
    _one_administrator(work.connection)
    return account


def change_state(work: Work, name: str, what: Literal["disabled", "enabled"], why: Why) -> Account:
    """A disabled account's tokens are good for nothing while it is. Raises `Conflict`."""
    account = work.act(ACCOUNT, name, what, why=why, expects=True)
    _one_administrator(work.connection)
    return account


def change_password(work: Work, name: str, password: SecretStr) -> Account:
    """The act says that it was changed, and nothing of it. Raises `NotFound`."""
    account = work.act(ACCOUNT, name, "password changed", expects=True)
    passwords.keep_password(work.connection, name, password.get_secret_value())
    return account


def change_own_password(work: Work, asked: OwnPassword) -> Account:
    """Raises `WrongPassword`, also where the account has none."""
    name = work.by.account
    ACCOUNT.require(work.connection, name, lock=True)  # of two at once, one comes with the new one
    if not passwords.password_is(work.connection, name, asked.old.get_secret_value()):
        raise WrongPassword("old is not the password of this account")
    return change_password(work, name, asked.new)


def _one_administrator(connection: Connection) -> None:
    """Acts follow each other under a lock: two at once cannot take away both."""
    table = schema.account
    left = connection.execute(
        select(func.count())
        .select_from(table)
        .where(table.c.state == "active", table.c.roles.contains([Role.ADMINISTRATOR]))
    ).scalar_one()
    if left == 0:
        raise Conflict(said("somebody has to stay administrator"))


def nobody(connection: Connection) -> bool:
    """Whether there is no account yet."""
    return connection.execute(select(func.count()).select_from(schema.account)).scalar_one() == 0


def set_up(connection: Connection, asked: Setup) -> Account:
    """Open the first administrator's account. Raises `InvitationInvalid`; no code is good after
    that."""
    if not passwords.use(connection, passwords.SETUP, asked.code) or not nobody(connection):
        raise InvitationInvalid("the code is unknown or was used")
    passwords.forget_all(connection, passwords.SETUP)
    work = Work(connection, By.program("setup"))
    return open_account(
        work,
        NewAccount(
            name=asked.name,
            person=asked.person,
            roles=(Role.ADMINISTRATOR,),
            password=asked.password,
        ),
    )

"""The second factor: codes of an authenticator (RFC 6238), and recovery codes, each good once.

The authenticator's secret is kept encrypted, by a key that lies in no database, and is in no act.
Of a recovery code a digest is kept. A code of the authenticator that was used is not good again,
nor is any before it.
"""

import base64
import hmac
import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from central import schema
from central.access import passwords
from central.access.accounts import ACCOUNT
from central.access.roles import Role
from central.access.sign_ins import SIGN_IN
from central.errors import Conflict, WrongCode
from central.register.acts import By, Why, Work
from central.said import said

STEP_S, DIGITS = 30, 6
_AROUND = (0, -1, 1)
"""Steps that a phone's clock may be off."""
RECOVERY = "recovery"
CODES = 10
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no letter is taken for another
_AS = str.maketrans("OIL", "011")
_LENGTH = 16


@dataclass(frozen=True)
class SecondFactor:
    """`required`: the roles that nobody acts in without it. `key`: 32 bytes."""

    key: bytes = field(repr=False)
    required: Collection[Role] = ()
    clock: Callable[[], float] = time.time

    def needed(self, role: Role) -> bool:
        return role in self.required

    def enrolled(self, connection: Connection, account: str) -> bool:
        table = schema.second_factor
        query = select(table.c.confirmed).where(table.c.account == account)
        return connection.execute(query).scalar_one_or_none() is not None

    def begin(self, connection: Connection, account: str) -> None:
        """A fresh secret, that counts once a code of it has come. Raises `Conflict` where one
        counts already."""
        if self.enrolled(connection, account):
            raise Conflict(said("account {account} has a second factor already", account=account))
        sealed = self._seal(account, secrets.token_bytes(20))
        table = schema.second_factor
        connection.execute(
            insert(table)
            .values(account=account, secret=sealed, step=0)
            .on_conflict_do_update(
                index_elements=["account"],
                set_={"secret": sealed, "step": 0},
                where=table.c.confirmed.is_(None),
            )
        )

    def pending(self, connection: Connection, account: str) -> str | None:
        """The secret that waits for its first code, as people type it; None where none does."""
        table = schema.second_factor
        sealed = connection.execute(
            select(table.c.secret).where(table.c.account == account, table.c.confirmed.is_(None))
        ).scalar_one_or_none()
        if sealed is None:
            return None
        return base64.b32encode(self._open(account, sealed)).decode()

    def confirm(self, work: Work, account: str, code: str) -> list[str]:
        """It counts from now on; its recovery codes, told once. Raises `WrongCode`."""
        self._use(work.connection, account, code, confirmed=False)
        table = schema.second_factor
        work.connection.execute(
            table.update().where(table.c.account == account).values(confirmed=func.now())
        )
        work.act(ACCOUNT, account, "second factor enrolled")
        return _fresh_codes(work.connection, account)

    def renew(self, work: Work, account: str, code: str) -> list[str]:
        """Recovery codes in the place of all former ones. Raises `WrongCode`."""
        self._use(work.connection, account, code, confirmed=True)
        work.act(ACCOUNT, account, "recovery codes renewed")
        return _fresh_codes(work.connection, account)

    def check(self, connection: Connection, account: str, code: str) -> None:
        """By the authenticator or by a recovery code; neither is good again. Raises `WrongCode`."""
        folded = _folded(code)
        if len(folded) != _LENGTH:
            self._use(connection, account, code, confirmed=True)
            return
        table = schema.credential
        used = connection.execute(
            table.delete().where(
                table.c.kind == RECOVERY,
                table.c.owner.in_(_owners(account)),
                table.c.hash == _digest(account, folded),
            )
        )
        if used.rowcount != 1:
            raise WrongCode("no such recovery code, or it was used")
        work = Work(connection, By.program("sign-in"))
        work.act(SIGN_IN, account, "recovery code used", {"left": left(connection, account)})

    def remove(self, work: Work, account: str, why: Why) -> None:
        """Neither the authenticator nor a recovery code is asked for any more. Raises `Conflict`
        where there is none."""
        table, credential = schema.second_factor, schema.credential
        gone = work.connection.execute(
            table.delete().where(table.c.account == account, table.c.confirmed.is_not(None))
        )
        if gone.rowcount != 1:
            raise Conflict(said("account {account} has no second factor", account=account))
        work.connection.execute(
            credential.delete().where(
                credential.c.kind == RECOVERY, credential.c.owner.in_(_owners(account))
            )
        )
        work.act(ACCOUNT, account, "second factor removed", why=why)

    def _use(self, connection: Connection, account: str, code: str, *, confirmed: bool) -> None:
        """Raises `WrongCode`. Of two who come with one code at once, one is refused."""
        table = schema.second_factor
        stands = table.c.confirmed.is_not(None) if confirmed else table.c.confirmed.is_(None)
        row = connection.execute(
            select(table.c.secret, table.c.step)
            .where(table.c.account == account, stands)
            .with_for_update()
        ).one_or_none()
        told = "".join(code.split())
        if row is None or len(told) != DIGITS or not told.isascii():
            raise WrongCode("a code has six digits")
        totp = TOTP(self._open(account, row.secret), DIGITS, SHA1(), STEP_S)  # noqa: S303 - RFC 6238
        now = int(self.clock()) // STEP_S
        for step in (now + off for off in _AROUND):
            if step > row.step and hmac.compare_digest(totp.generate(step * STEP_S), told.encode()):
                connection.execute(
                    table.update().where(table.c.account == account).values(step=step)
                )
                return
        raise WrongCode("the code is wrong, too old, or was used")

    def _seal(self, account: str, secret: bytes) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + AESGCM(self.key).encrypt(nonce, secret, account.encode())

    def _open(self, account: str, sealed: bytes) -> bytes:
        return AESGCM(self.key).decrypt(sealed[:12], sealed[12:], account.encode())


def address(account: str, secret: str) -> str:
    """What an authenticator reads from a QR code."""
    told = {"secret": secret, "issuer": "gjurma", "digits": DIGITS, "period": STEP_S}
    return f"otpauth://totp/{quote(f'gjurma:{account}')}?{urlencode(told)}"


def left(connection: Connection, account: str) -> int:
    """How many recovery codes are not used yet."""
    table = schema.credential
    return connection.execute(
        select(func.count())
        .select_from(table)
        .where(table.c.kind == RECOVERY, table.c.owner.in_(_owners(account)))
    ).scalar_one()


def _fresh_codes(connection: Connection, account: str) -> list[str]:
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)) for _ in range(CODES)]
    for owner, code in zip(_owners(account), codes, strict=True):
        passwords.keep_secret(connection, RECOVERY, owner, _told_apart(account, code))
    return ["-".join(code[at : at + 4] for at in range(0, _LENGTH, 4)) for code in codes]


def _owners(account: str) -> list[str]:
    return [f"{account} {number}" for number in range(CODES)]


def _folded(code: str) -> str:
    return "".join(each for each in code.upper() if each.isalnum()).translate(_AS)


def _told_apart(account: str, code: str) -> str:
    return f"{account} {code}"


def _digest(account: str, code: str) -> str:
    return passwords.fingerprint(_told_apart(account, code))

"""What an authenticator is shown, and the recovery codes that are told once."""

from collections.abc import Mapping, Sequence

from fastapi.responses import Response
from sqlalchemy import Connection

from central.access.second_factor import address
from central.errors import Conflict
from central.said import said
from central.screens.faults import Fault
from central.screens.qr import drawn
from central.screens.viewer import Visitor


def enrolment(
    connection: Connection,
    visitor: Visitor,
    account: str,
    faults: Sequence[Fault],
    status: int,
    *,
    action: str,
    more: Mapping[str, str],
) -> Response:
    """The secret as a QR code and to type, and a field for the first code. `action` is where that
    is sent, with the fields of `more`. Raises `Conflict` where none waits."""
    secret = visitor.screens.entrance.factor.pending(connection, account)
    if secret is None:
        raise Conflict(said("account {account} enrols nothing", account=account))
    side, path = drawn(address(account, secret))
    typed = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return visitor.page(
        "enrol.html",
        status,
        side=side,
        path_of_code=path,
        typed=typed,
        faults=faults,
        action=action,
        more=more,
    )


def told_once(visitor: Visitor, codes: Sequence[str], *, onwards: str) -> Response:
    """The only page that ever shows them. `onwards`: where it leads."""
    return visitor.page("recovery.html", codes=codes, onwards=onwards)

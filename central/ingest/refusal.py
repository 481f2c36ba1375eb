"""Why a record is kept and not accepted."""

from central.said import Said, Several

CODES = (
    *("unreadable", "not-licensed", "lease-ended", "outside-block", "unknown-order"),
    *("wrong-content", "bad-quantity", "duplicate", "out-of-place", "unknown-plan"),
    *("witnesses-missing", "not-for-devices", "unjudged"),
)
"""Stable: they go into receipts."""


class Refusal(Exception):
    """A record is kept, and not accepted. `code`: one of `CODES`.

    What is said of it is kept in English; `central.screens.kept` reads it back for people.
    """

    def __init__(self, code: str, detail: Said | Several) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail

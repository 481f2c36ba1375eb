"""Why a record is kept and not accepted."""


class Refusal(Exception):
    """A record is kept, and not accepted. `code` is stable and goes into receipts.

    unreadable, not-licensed, lease-ended, outside-block, unknown-order, wrong-content,
    bad-quantity, duplicate, out-of-place, unknown-plan, witnesses-missing, not-for-devices.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail

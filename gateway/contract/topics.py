"""MQTT topics of contract version 1, and the state message that a gateway keeps retained."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import StrictBool

from gateway.contract.encoding import GATEWAY, Count, Message, Version
from gateway.contract.errors import ContractError

PREFIX = "gjurma/v1"
ALL_RECORDS_SHARED = f"$share/ingest/{PREFIX}/+/records"
ALL_STATES = f"{PREFIX}/+/state"
RECORDS_EXPIRY_S = 30
STATE_EVERY_S = 60

Leaf = Literal["records", "receipts", "plan", "state"]


_TOPIC = re.compile(rf"{PREFIX}/({GATEWAY})/(?:{'|'.join(get_args(Leaf))})")


def topic(gateway: str, leaf: Leaf) -> str:
    return f"{PREFIX}/{gateway}/{leaf}"


def gateway_of(name: str) -> str:
    """The gateway that a topic belongs to; raises `ContractError` if it is none of ours."""
    found = _TOPIC.fullmatch(name)
    if found is None:
        raise ContractError(f"{name!r} is not a topic of this contract")
    return found[1]


@dataclass(frozen=True, order=True)
class Boot:
    """One start of the gateway's process: a counter kept in the journal, and a random nonce."""

    counter: int
    nonce: str

    def __str__(self) -> str:
        return f"{self.counter}-{self.nonce}"

    @classmethod
    def parse(cls, text: str) -> "Boot":
        """From `17-9f3c…`; raises `ContractError`."""
        counter, dash, nonce = text.partition("-")
        if not dash or re.fullmatch(r"0|[1-9][0-9]{0,11}", counter) is None:
            raise ContractError(f"{text!r} is not a boot: <counter>-<nonce>")
        if not 8 <= len(nonce) <= 64 or any(c not in "0123456789abcdef" for c in nonce):
            raise ContractError(f"{text!r}: the nonce is 8 to 64 lower-case hex digits")
        return cls(int(counter), nonce)


class PlanVersion(Message):
    """Which plan: versions order within an incarnation, incarnations order before them."""

    incarnation: Count
    version: Count

    def key(self) -> tuple[int, int]:
        return (self.incarnation, self.version)


class State(Message):
    """Retained; the last will holds only `v`, `epoch`, `boot` and `online: false`."""

    v: Version = 1
    epoch: Count
    boot: str
    online: StrictBool
    plan: PlanVersion | None = None
    seq: Count | None = None
    latches: tuple[str, ...] = ()
    committed: Count | None = None
    """The last record that a receipt has confirmed."""
    receipt: str | None = None
    """That receipt as the register signed it: proof of what the register has held."""

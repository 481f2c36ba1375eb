"""MQTT topics of contract version 1, and the state message that a gateway keeps retained."""

from dataclasses import dataclass
from typing import Literal

from gateway.contract.encoding import Count, Message
from gateway.contract.errors import ContractError

PREFIX = "gjurma/v1"
ALL_RECORDS_SHARED = f"$share/ingest/{PREFIX}/+/records"
ALL_STATES = f"{PREFIX}/+/state"
RECORDS_EXPIRY_S = 30
STATE_EVERY_S = 60

Leaf = Literal["records", "receipts", "plan", "state"]


def topic(gateway: str, leaf: Leaf) -> str:
    return f"{PREFIX}/{gateway}/{leaf}"


def gateway_of(name: str) -> str:
    """The gateway that a topic belongs to; raises `ContractError` if it is none of ours."""
    parts = name.split("/")
    if len(parts) != 4 or f"{parts[0]}/{parts[1]}" != PREFIX:
        raise ContractError(f"{name!r} is not a topic of this contract")
    return parts[2]


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
        if not dash or not (counter.isascii() and counter.isdigit()) or len(counter) > 12:
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

    v: Literal[1] = 1
    epoch: Count
    boot: str
    online: bool
    plan: PlanVersion | None = None
    seq: Count | None = None
    latches: tuple[str, ...] = ()

"""The receipt: the register has committed the records up to N. Cumulative, signed."""

from collections.abc import Callable

from gateway.contract.encoding import Count, GatewayName, Hex32, Message, Seq, Time, Version
from gateway.contract.errors import ContractError
from gateway.contract.signed import SigningKey, sign, take_apart

MAX_REFUSED = 100


class Refusal(Message):
    """A record that the register holds but does not accept, and why."""

    seq: Seq
    code: str
    detail: str


class Receipt(Message):
    """`head` is the register's head at `committed`; `latch` names what the register found."""

    v: Version = 1
    gateway: GatewayName
    epoch: Seq
    boot: str
    at: Time
    incarnation: Count
    committed: Count
    head: Hex32
    archived: Count = 0
    refused: tuple[Refusal, ...] = ()
    refused_more: Count = 0
    latch: str | None = None


def encode_receipt(receipt: Receipt, key: SigningKey) -> bytes:
    return sign("receipt", receipt.line(), key)


def decode_receipt(payload: bytes, public_key: Callable[[str], bytes | None]) -> Receipt:
    """Checks the signature first; raises `SignatureInvalid` or `ContractError`."""
    signed = take_apart("receipt", payload)
    signed.verify(public_key)
    if signed.rest:
        raise ContractError("receipt: something follows the signature")
    return Receipt.from_line(signed.line)

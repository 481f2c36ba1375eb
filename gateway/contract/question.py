"""The question: what a device asks the register, signed by its stream's key.

It says who asks, so that a device needs no person's session, and nothing follows from it. The
answer is plain JSON over the same connection.
"""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from gateway.contract.encoding import Count, GatewayName, Message, Seq, Time, Version
from gateway.contract.errors import ContractError
from gateway.contract.signed import SigningKey, sign, take_apart

MAX_CODES = 100
MAX_BYTES = 256 * 1024
Code = Annotated[str, Field(min_length=1, max_length=2000)]


class Question(Message):
    """`asks`: `disagreements` of its scans from the record `first` on; `work`, its places and what
    comes and goes; or what `codes` name."""

    v: Version = 1
    gateway: GatewayName
    epoch: Seq
    at: Time
    asks: Literal["disagreements", "work", "codes"]
    first: Count | None = None
    codes: Annotated[tuple[Code, ...], Field(max_length=MAX_CODES)] = ()


def encode_question(question: Question, key: SigningKey) -> bytes:
    return sign("question", question.line(), key)


def decode_question(payload: bytes, public_key: Callable[[str], bytes | None]) -> Question:
    """Checks the signature before it reads anything. Raises `SignatureInvalid` or
    `ContractError`."""
    signed = take_apart("question", payload)
    signed.verify(public_key)
    if signed.rest:
        raise ContractError("question: something follows the signature")
    return Question.from_line(signed.line)

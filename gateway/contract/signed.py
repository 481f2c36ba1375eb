"""The one signed form: a line of JSON, then `<key id> <base64 Ed25519>`.

The signature is over `gjurma/v1/<kind>\\n` followed by the line's bytes.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from gateway.contract.errors import ContractError, SignatureInvalid

Kind = Literal["batch", "receipt", "plan"]


def key_id(public: bytes) -> str:
    """`k` and the first 12 hex digits of the SHA-256 of the 32 raw bytes of a public key."""
    return "k" + hashlib.sha256(public).hexdigest()[:12]


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 private key with its id."""

    private: Ed25519PrivateKey

    @classmethod
    def new(cls) -> "SigningKey":
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, raw: bytes) -> "SigningKey":
        """From the 32 raw bytes that `to_bytes` gave."""
        return cls(Ed25519PrivateKey.from_private_bytes(raw))

    def to_bytes(self) -> bytes:
        return self.private.private_bytes_raw()

    @property
    def public(self) -> bytes:
        """The public key's 32 raw bytes."""
        return self.private.public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        return key_id(self.public)


def _message(kind: Kind, line: bytes) -> bytes:
    return b"gjurma/v1/" + kind.encode() + b"\n" + line


def sign(kind: Kind, line: bytes, key: SigningKey) -> bytes:
    """`line`, a line feed, and the signature line; no line feed at the end."""
    signature = base64.b64encode(key.private.sign(_message(kind, line)))
    return line + b"\n" + key.id.encode() + b" " + signature


@dataclass(frozen=True)
class Signed:
    """A signed message taken apart; its signature has not been checked yet."""

    kind: Kind
    line: bytes
    key_id: str
    signature: bytes
    rest: bytes

    def verify(self, public_key: Callable[[str], bytes | None]) -> None:
        """Check the signature; `public_key` gives the 32 raw bytes of a key id, or None.

        Raises `SignatureInvalid` when the key is unknown or did not sign these bytes.
        """
        public = public_key(self.key_id)
        if public is None:
            raise SignatureInvalid(f"{self.kind}: no valid key {self.key_id}")
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(
                self.signature, _message(self.kind, self.line)
            )
        except InvalidSignature as error:
            raise SignatureInvalid(f"{self.kind}: key {self.key_id} did not sign this") from error


def take_apart(kind: Kind, payload: bytes) -> Signed:
    """Split a signed message; `rest` is what follows the signature line. Raises ContractError."""
    line, feed, tail = payload.partition(b"\n")
    if not feed:
        raise ContractError(f"{kind}: no signature line")
    signature_line, feed, rest = tail.partition(b"\n")
    if feed and not rest:
        raise ContractError(f"{kind}: a line feed stands at the end")
    name, space, encoded = signature_line.partition(b" ")
    if not space or not name.isalnum() or len(name) > 64:
        raise ContractError(f"{kind}: the signature line is not '<key id> <base64>'")
    try:
        signature = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ContractError(f"{kind}: the signature is not base64") from error
    # Only one spelling of a signature: else two different messages would carry the same proof.
    if base64.b64encode(signature) != encoded:
        raise ContractError(f"{kind}: the signature is not canonical base64")
    return Signed(kind, line, name.decode("ascii"), signature, rest)

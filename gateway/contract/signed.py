"""The one signed form: a line of JSON, then `<key id> <base64 signature>`.

The signature is over `gjurma/v1/<kind>\\n` followed by the line's bytes: Ed25519, with 32 bytes of
public key; or ECDSA with P-256 and SHA-256, which every browser's key store can hold, with 33 bytes
of it (compressed, SEC 1, 2.3.3). That signature is r and s, 32 bytes each, s in the lower half.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.contract.errors import ContractError, SignatureInvalid

Kind = Literal["batch", "receipt", "plan", "question", "salvage"]
PUBLIC_KEY = r"^(?:[0-9a-f]{64}|0[23][0-9a-f]{64})$"
"""A public key in hex, of either kind: its length tells which."""
_P256_BYTES = 33
_P256_ORDER = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551


def key_id(public: bytes) -> str:
    """`k` and the first 12 hex digits of the SHA-256 of the bytes of a public key."""
    return "k" + hashlib.sha256(public).hexdigest()[:12]


def is_public_key(public: bytes) -> bool:
    """Whether it can be one: of a P-256 key, whether there is such a point."""
    try:
        _public_key(public)
    except ValueError:
        return False
    return True


def has_signed(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether that public key's owner signed exactly that, in the one spelling that there is."""
    try:
        key = _public_key(public)
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
            return True
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        # With s also n - s is a proof of the same: else there would be two of one batch.
        if len(signature) != 64 or s > _P256_ORDER // 2:
            return False
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True


def _public_key(public: bytes) -> Ed25519PublicKey | ec.EllipticCurvePublicKey:
    """Raises ValueError."""
    if len(public) == _P256_BYTES:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    return Ed25519PublicKey.from_public_bytes(public)


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
        """Check the signature; `public_key` gives the bytes of a key id's public key, or None.

        Raises `SignatureInvalid` when the key is unknown or did not sign these bytes.
        """
        public = public_key(self.key_id)
        if public is None:
            raise SignatureInvalid(f"{self.kind}: no valid key {self.key_id}")
        if not has_signed(public, self.signature, _message(self.kind, self.line)):
            raise SignatureInvalid(f"{self.kind}: key {self.key_id} did not sign this")


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

"""The signed form: one spelling a message, and no byte that the signature does not guard."""

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.errors import ContractError, SignatureInvalid
from gateway.contract.signed import (
    Kind,
    SigningKey,
    has_signed,
    is_public_key,
    key_id,
    sign,
    take_apart,
)
from tests.contract import strategies as own
from tests.contract.wire import SIGNED, SignedVector

KEY = SIGNED[0].key
KINDS: tuple[Kind, ...] = ("batch", "receipt", "plan")
MESSAGE = sign("plan", b'{"v":1}', KEY)


def public_of(name: str) -> bytes | None:
    return KEY.public if name == KEY.id else None


def test_the_test_key_is_that_of_rfc_8032() -> None:
    """Section 7.1, test 1: seed and public key as printed there."""
    assert KEY.to_bytes().hex() == (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    )
    assert KEY.public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert KEY.id == "k21fe31dfa154"
    assert key_id(KEY.public) == KEY.id


@pytest.mark.parametrize("vector", SIGNED, ids=lambda vector: str(vector.kind))
def test_golden_signatures_by_hand(vector: SignedVector) -> None:
    """Taken apart with nothing of ours: line, signature line, and what was signed."""
    line, signature_line, *_ = vector.payload.split(b"\n")
    name, signature = signature_line.split(b" ")
    assert name == b"k21fe31dfa154"
    Ed25519PublicKey.from_public_bytes(vector.public).verify(
        base64.b64decode(signature), b"gjurma/v1/" + vector.kind.encode() + b"\n" + line
    )


@pytest.mark.parametrize("vector", SIGNED, ids=lambda vector: str(vector.kind))
def test_golden_payloads_are_signed_the_same_again(vector: SignedVector) -> None:
    kind = next(kind for kind in KINDS if kind == vector.kind)
    signed = take_apart(kind, vector.payload)
    signed.verify(vector.known_key)
    head = sign(kind, signed.line, vector.key)
    assert vector.payload == (head + b"\n" + signed.rest if signed.rest else head)


def test_openssl_agrees(tmp_path: Path) -> None:
    line = b'{"v":1,"text":"\xc3\xab"}'
    signed = take_apart("receipt", sign("receipt", line, KEY))
    (tmp_path / "message").write_bytes(b"gjurma/v1/receipt\n" + line)
    (tmp_path / "signature").write_bytes(signed.signature)
    (tmp_path / "key").write_bytes(bytes.fromhex("302a300506032b6570032100") + KEY.public)
    done = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key", "-keyform", "DER",
         "-rawin", "-in", "message", "-sigfile", "signature"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_signature_of_one_kind_is_none_of_another() -> None:
    with pytest.raises(SignatureInvalid):
        take_apart("receipt", MESSAGE).verify(public_of)
    take_apart("plan", MESSAGE).verify(public_of)


def test_only_known_keys_count() -> None:
    stranger = sign("plan", b'{"v":1}', SigningKey.new())
    with pytest.raises(SignatureInvalid):
        take_apart("plan", stranger).verify(public_of)
    with pytest.raises(SignatureInvalid):
        take_apart("plan", stranger).verify(lambda name: KEY.public)


def test_a_key_survives_its_bytes() -> None:
    key = SigningKey.new()
    again = SigningKey.from_bytes(key.to_bytes())
    assert (again.id, again.public) == (key.id, key.public)
    assert sign("plan", b"{}", key) == sign("plan", b"{}", again)


def respelled() -> dict[str, bytes]:
    """Other bytes that a careless reader would take for the same message."""
    line, tail = MESSAGE.split(b"\n")
    name, encoded = tail.split(b" ")
    assert encoded.endswith(b"==")
    following = {b"A": b"B", b"Q": b"R", b"g": b"h", b"w": b"x"}[encoded[-3:-2]]
    return {
        "line feed at the end": MESSAGE + b"\n",
        "carriage return": line + b"\n" + name + b" " + encoded + b"\r",
        "two blanks": line + b"\n" + name + b"  " + encoded,
        "tab": line + b"\n" + name + b"\t" + encoded,
        "blank at the end": MESSAGE + b" ",
        "without padding": MESSAGE.rstrip(b"="),
        "padding bits set": line + b"\n" + name + b" " + encoded[:-3] + following + b"==",
        "blank in the base64": MESSAGE[:-10] + b" " + MESSAGE[-10:],
        "url-safe base64": line + b"\n" + name + b" " + b"-_" + encoded[2:],
        "key id with a sign": line + b"\n" + b"k-1" + b" " + encoded,
        "no key id": line + b"\n" + b" " + encoded,
        "long key id": line + b"\n" + b"k" * 65 + b" " + encoded,
        "no signature line": line,
        "empty signature line": line + b"\n",
        "nothing": b"",
    }


@pytest.mark.parametrize("payload", respelled().values(), ids=respelled())
def test_one_spelling_only(payload: bytes) -> None:
    with pytest.raises(ContractError):
        take_apart("plan", payload)


@pytest.mark.parametrize("length", [0, 1, 63, 65, 128])
def test_a_signature_of_another_length_is_invalid(length: int) -> None:
    line = MESSAGE.split(b"\n")[0]
    payload = line + b"\n" + KEY.id.encode() + b" " + base64.b64encode(bytes(length))
    with pytest.raises(SignatureInvalid):
        take_apart("plan", payload).verify(public_of)


@given(own.mangled_bytes([each.payload for each in SIGNED]) | st.binary(max_size=300))
def test_taking_apart_loses_nothing_and_raises_nothing_else(payload: bytes) -> None:
    try:
        signed = take_apart("batch", payload)
    except ContractError:
        return
    tail = signed.key_id.encode() + b" " + base64.b64encode(signed.signature)
    parts = [signed.line, tail, signed.rest] if signed.rest else [signed.line, tail]
    assert b"\n".join(parts) == payload


# RFC 6979, A.2.5: P-256, SHA-256, message "sample". Its s lies in the upper half; both are given.
P256 = bytes.fromhex("0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6")
R = 0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
S = 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def spelled(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def test_a_p_256_signature_has_one_spelling() -> None:
    assert has_signed(P256, spelled(R, N - S), b"sample")
    assert not has_signed(P256, spelled(R, S), b"sample"), "the other s proves it too, and is not"
    assert not has_signed(P256, spelled(R, N - S), b"simple")
    assert not has_signed(P256, spelled(R, N - S) + b"\0", b"sample")
    assert not has_signed(P256, b"", b"sample")
    assert not has_signed(P256, spelled(0, 0), b"sample")
    other = b"\x02" + P256[1:]
    assert is_public_key(other)
    assert not has_signed(other, spelled(R, N - S), b"sample"), "the point below it"


def test_what_can_be_a_public_key() -> None:
    assert is_public_key(KEY.public)
    assert is_public_key(P256)
    assert not is_public_key(b"\x02" + bytes(31) + b"\x07"), "no point of the curve has x = 7"
    assert not is_public_key(b"\x04" + P256[1:])
    assert not is_public_key(P256 + P256[1:])
    assert key_id(P256) == "k" + hashlib.sha256(P256).hexdigest()[:12]

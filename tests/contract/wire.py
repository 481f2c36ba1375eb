"""The golden wire records, and the chain's heads as a literal reading of the contract has them."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.contract.signed import SigningKey

V1 = Path(__file__).parent.parent / "vectors" / "wire" / "v1"


def lines(name: str) -> list[bytes]:
    return (V1 / name).read_bytes().splitlines()


def objects(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(name)]


RECORDS = lines("records.jsonl")
SCANS = lines("scans.jsonl")
PEOPLE = lines("people.jsonl")
PICTURES = lines("pictures.jsonl")
UNKNOWN = lines("unknown.jsonl")


@dataclass(frozen=True)
class SignedVector:
    """One signed payload of `signed.jsonl`, with its key."""

    kind: str
    key: SigningKey
    public: bytes
    payload: bytes

    def known_key(self, name: str) -> bytes | None:
        """The public key, if it is asked for by the id that the contract gives it."""
        return self.public if name == "k" + hashlib.sha256(self.public).hexdigest()[:12] else None


SIGNED = [
    SignedVector(
        each["kind"],
        SigningKey.from_bytes(bytes.fromhex(each["seed"])),
        bytes.fromhex(each["public"]),
        each["payload"].encode(),
    )
    for each in objects("signed.jsonl")
]
BATCHES = [each for each in SIGNED if each.kind == "batch"]
RECEIPTS = [each for each in SIGNED if each.kind == "receipt"]
PLANS = [each for each in SIGNED if each.kind == "plan"]


def literal_heads(gateway: str, epoch: int, previous: bytes, records: list[bytes]) -> list[str]:
    """head(0) to head(n), straight from the formula, with nothing of `gateway.contract`."""
    start = hashlib.sha256()
    start.update(b"gjurma/v1/epoch\n")
    start.update(gateway.encode("ascii"))
    start.update(b"\n")
    start.update(str(epoch).encode("ascii"))
    start.update(b"\n")
    start.update(previous)
    found = [start.digest()]
    for record in records:
        step = hashlib.sha256()
        step.update(found[-1])
        step.update(hashlib.sha256(record).digest())
        found.append(step.digest())
    return [head.hex() for head in found]

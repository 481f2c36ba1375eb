"""`gjurma-sim scanner`: a handheld scanner with a key and a journal of its own, for trials.

It scans with no network, and sends what it has when it is told to. Its folder holds `device.json`
(who it is, its key, its boot) and `records.jsonl`; a wiped device is a new folder, enrolled anew.
"""

import argparse
import json
import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from gateway.contract.batch import (
    MAX_BYTES,
    MAX_RECORDS,
    BatchHeader,
    encode_batch,
    first_head,
    next_head,
)
from gateway.contract.errors import ContractError
from gateway.contract.receipt import Receipt, decode_receipt
from gateway.contract.record import (
    ClockState,
    Observed,
    Opened,
    Packed,
    Record,
    Unpacked,
    decode_record,
    encode_record,
)
from gateway.contract.signed import SigningKey, key_id
from gateway.contract.topics import Boot

BATCH = "application/vnd.gjurma.batch"


class Refused(Exception):
    """The register's answer to a batch or to an enrolment, where it is no receipt."""


@dataclass
class Scanner:
    """One epoch of a device. `committed` is what the last receipt said."""

    folder: Path
    url: str
    name: str
    epoch: int
    key: SigningKey
    boot: Boot
    receipt_keys: dict[str, bytes]
    lines: list[bytes] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    committed: int = 0

    @classmethod
    def enrolled(
        cls, folder: Path, url: str, name: str, code: str, reason: str = "new"
    ) -> "Scanner":
        """Open an epoch with a one-time code, in an empty folder. Raises `Refused`."""
        folder.mkdir(parents=True, exist_ok=True)
        key = SigningKey.new()
        asked = {"code": code, "gateway": name, "public": key.public.hex(), "reason": reason}
        answer = httpx.post(f"{url}/enroll", json=asked, timeout=30)
        if answer.status_code != 200:
            raise Refused(answer.text)
        told = answer.json()
        (folder / "device.json").write_text(
            json.dumps(
                {
                    "url": url,
                    "name": name,
                    "epoch": told["epoch"],
                    "boot": 0,
                    "key": key.to_bytes().hex(),
                    "previous_head": told["previous_head"],
                    "receipt_keys": [k["public"] for k in told["keys"] if k["use"] == "receipt"],
                }
            )
        )
        (folder / "device.json").chmod(0o600)
        (folder / "records.jsonl").touch()
        scanner = cls.started(folder)
        scanner.write(Opened(**scanner.common(reason=reason)))
        return scanner

    @classmethod
    def started(cls, folder: Path) -> "Scanner":
        """The next boot of the device that the folder is."""
        kept = json.loads((folder / "device.json").read_text())
        kept["boot"] += 1
        (folder / "device.json").write_text(json.dumps(kept))
        previous = bytes.fromhex(kept["previous_head"])
        scanner = cls(
            folder,
            kept["url"],
            kept["name"],
            kept["epoch"],
            SigningKey.from_bytes(bytes.fromhex(kept["key"])),
            Boot(kept["boot"], secrets.token_hex(8)),
            {key_id(bytes.fromhex(key)): bytes.fromhex(key) for key in kept["receipt_keys"]},
            heads=[first_head(kept["name"], kept["epoch"], previous)],
        )
        for line in (folder / "records.jsonl").read_bytes().splitlines():
            scanner._hold(line)
        return scanner

    # --- the journal --------------------------------------------------------------------------

    @property
    def seq(self) -> int:
        return len(self.lines)

    def common(self, **more: Any) -> dict[str, Any]:
        """The common fields of the next record."""
        return {
            "seq": self.seq + 1,
            "at": datetime.now(UTC),
            "clock": ClockState(synced=True),
            "salt": secrets.token_hex(16),
        } | more

    def write(self, record: Record) -> int:
        """Kept on the disk when it returns; its seq."""
        line = encode_record(record)
        with (self.folder / "records.jsonl").open("ab") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._hold(line)
        return self.seq

    def _hold(self, line: bytes) -> None:
        self.lines.append(line)
        self.heads.append(next_head(self.heads[-1], line))

    def scan(self, purpose: str, *codes: str, **more: Any) -> int:
        return self.write(Observed(**self.common(purpose=purpose, codes=codes, **more)))

    def pack(self, parent: str, *children: str, **more: Any) -> int:
        return self.write(Packed(**self.common(parent=parent, children=children, **more)))

    def unpack(self, parent: str, *children: str, **more: Any) -> int:
        return self.write(Unpacked(**self.common(parent=parent, children=children, **more)))

    # --- the wire -----------------------------------------------------------------------------

    def batch(self, first: int, last: int, **header: Any) -> bytes:
        """A signed batch of records `first` to `last`; `header` overrides its fields."""
        fields = {
            "gateway": self.name,
            "epoch": self.epoch,
            "boot": str(self.boot),
            "first": first,
            "last": last,
            "prev": self.heads[first - 1].hex(),
            "head": self.heads[last].hex(),
        } | header
        lines = self.lines[first - 1 : last]
        return encode_batch(BatchHeader.model_validate(fields), lines, self.key)

    def bring(self, payload: bytes, http: httpx.Client) -> Receipt:
        """One batch, and its receipt, whose signature holds. Raises `Refused`."""
        address = f"{self.url}/api/v1/batches"
        answer = http.post(address, content=payload, headers={"Content-Type": BATCH})
        if answer.status_code != 200:
            raise Refused(answer.text)
        receipt = decode_receipt(answer.content, self.receipt_keys.get)
        if (receipt.gateway, receipt.epoch) != (self.name, self.epoch):
            raise Refused(f"a receipt for {receipt.gateway}, epoch {receipt.epoch}")
        self.committed = receipt.committed
        return receipt

    def send(self, http: httpx.Client) -> Receipt:
        """All that the register does not have. The newest record alone asks where it stands."""
        receipt = self.bring(self.batch(self.seq, self.seq), http)
        while receipt.committed < self.seq and receipt.latch is None:
            before = receipt.committed
            receipt = self.bring(self.batch(before + 1, self._end(before + 1)), http)
            if receipt.committed <= before:
                break
        return receipt

    def _end(self, first: int) -> int:
        """The last record of the largest batch that begins there."""
        size, last = 0, first - 1
        for line in self.lines[first - 1 : first - 1 + MAX_RECORDS]:
            size += len(line) + 1
            if size > MAX_BYTES and last >= first:
                break
            last += 1
        return last


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("scanner", help="a handheld scanner with a key of its own")
    steps = command.add_subparsers(required=True, metavar="STEP")

    def step(name: str, run: Any, what: str) -> argparse.ArgumentParser:
        made = steps.add_parser(name, help=what)
        made.add_argument("--state", type=Path, required=True, metavar="DIR")
        made.set_defaults(run=run)
        return made

    enrol = step("enroll", _enrol, "open an epoch with a one-time code")
    enrol.add_argument("--url", required=True, help="the register's")
    enrol.add_argument("--name", required=True, metavar="DEVICE", help="<site>.<name>")
    enrol.add_argument("--code", required=True)
    enrol.add_argument("--reason", default="new", help="why there is a new epoch")
    scan = step("scan", _scan, "keep a scan; nothing is sent")
    scan.add_argument("--purpose", required=True, help="receive, put-away, move, count, …")
    scan.add_argument("--place", help="the place or bay that was scanned")
    scan.add_argument("--consignment", help="what comes or goes")
    scan.add_argument("--keyed", action="store_true", help="typed, and not read")
    scan.add_argument("codes", nargs="+", metavar="CODE")
    for name, what in (("pack", "keep what was packed"), ("unpack", "keep what was unpacked")):
        made = step(name, _pack, what)
        made.add_argument("--unit", required=True, metavar="CODE", help="the crate or pallet")
        made.add_argument("codes", nargs="+", metavar="CODE")
        made.set_defaults(what=name)
    step("send", _send, "send what the register does not have")


def _enrol(arguments: argparse.Namespace) -> int:
    try:
        scanner = Scanner.enrolled(
            arguments.state, arguments.url, arguments.name, arguments.code, arguments.reason
        )
    except (Refused, httpx.TransportError) as error:
        return _fault(error)
    print(f"{scanner.name}: epoch {scanner.epoch}")
    return 0


def _scan(arguments: argparse.Namespace) -> int:
    more = {"entry": "keyed" if arguments.keyed else "device"}
    more |= {"place": arguments.place, "consignment": arguments.consignment}
    scanner = Scanner.started(arguments.state)
    print(scanner.scan(arguments.purpose, *arguments.codes, **more))
    return 0


def _pack(arguments: argparse.Namespace) -> int:
    scanner = Scanner.started(arguments.state)
    write = scanner.pack if arguments.what == "pack" else scanner.unpack
    print(write(arguments.unit, *arguments.codes))
    return 0


def _send(arguments: argparse.Namespace) -> int:
    """1 where a record is refused, or the stream is latched."""
    scanner = Scanner.started(arguments.state)
    try:
        with httpx.Client(timeout=60) as http:
            receipt = scanner.send(http)
    except (Refused, ContractError, httpx.TransportError) as error:
        return _fault(error)
    print(f"committed {receipt.committed} of {scanner.seq}")
    for line in _told(scanner, receipt):
        print(line)
    return 1 if receipt.refused or receipt.latch is not None else 0


def _told(scanner: Scanner, receipt: Receipt) -> Iterator[str]:
    if receipt.latch is not None:
        yield f"latched: {receipt.latch}; enrol it anew"
    for refusal in receipt.refused:
        what = decode_record(scanner.lines[refusal.seq - 1]).type
        yield f"refused: record {refusal.seq} ({what}): {refusal.code}: {refusal.detail}"


def _fault(error: Exception) -> int:
    print(f"gjurma-sim scanner: {error}", file=sys.stderr)
    return 1

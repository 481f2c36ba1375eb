"""Salvage: every undelivered record of a damaged journal that the hash chain still proves.

Nothing of the journal is opened for writing. What its file and its log hold is read page by page,
and a record counts where it leads on from a head that is known, or leads to one: the head of the
last receipt, and the one that the guard knew.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.contract.batch import (
    MAX_BYTES,
    MAX_RECORDS,
    NO_HEAD,
    BatchHeader,
    encode_batch,
    first_head,
    next_head,
)
from gateway.contract.errors import JournalError, RolledBack
from gateway.contract.salvage import Manifest, Span, decode_salvage, encode_salvage
from gateway.contract.signed import SigningKey
from gateway.contract.topics import Boot
from gateway.details import of_system
from gateway.guard import Guard, GuardFile, Mark, kept_mark
from gateway.identity import KeyDamaged, load_key
from gateway.journal import Entry
from gateway.outbox import accepted, as_text
from gateway.pages import Pages, read_pages
from gateway.store import epoch_of, is_record, journal_path, newest_journal

_NO_NONCE = "0" * 16
_BODY = re.compile(rb'(?<=\x4c)\{"seq":([1-9][0-9]{0,17}),')
"""0x4c is SQLite's type of a blob of 32 bytes."""
_HEX32 = re.compile(r"[0-9a-f]{64}")


@dataclass
class Remains:
    """Parts of records as they were read. Nothing is proved yet."""

    bodies: dict[int, list[bytes]] = field(default_factory=dict)
    heads: dict[int, list[bytes]] = field(default_factory=dict)
    plans: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    """By incarnation and version. The register believes its own signature alone."""

    def add(self, seq: int, body: bytes, head: bytes) -> None:
        for parts, part in ((self.bodies, body), (self.heads, head)):
            known = parts.setdefault(seq, [])
            if part not in known and b"\n" not in body:  # a batch could not hold such a record
                known.append(part)

    def add_plan(self, incarnation: object, version: object, payload: object) -> None:
        """Take in a row of three columns, where it has the form of a plan's row."""
        if isinstance(incarnation, int) and isinstance(version, int) and isinstance(payload, bytes):
            text, known = as_text(payload), self.plans.setdefault((incarnation, version), [])
            if text is not None and text not in known:
                known.append(text)


@dataclass(frozen=True)
class Place:
    """A head that is known to be the journal's, after record `seq`."""

    seq: int
    head: bytes


@dataclass(frozen=True)
class Run:
    """Records without a gap: `entries` lead on from `prev`."""

    prev: bytes
    entries: list[Entry]

    @property
    def first(self) -> int:
        return self.entries[0].seq

    @property
    def last(self) -> int:
        return self.entries[-1].seq


@dataclass(frozen=True)
class Salvaged:
    """The result of `journal salvage`."""

    journal: str
    gateway: str
    epoch: int
    after: int
    records: int
    missing: tuple[tuple[int, int], ...]
    """Runs of records that were journalled, and that nothing proves any more."""
    signed_by: int
    """The epoch whose key signed it."""

    def as_json(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def in_words(self) -> str:
        lines = [
            f"{self.journal}: {self.gateway}, epoch {self.epoch}",
            f"  {self.records} records after record {self.after}",
            f"  signed with the key of epoch {self.signed_by}",
        ]
        lines += [f"  NOT PROVED: records {first} to {last}" for first, last in self.missing]
        lines += ["  an officer brings the file to the register: gjurma-central salvage FILE"]
        return "\n".join(lines)


@dataclass(frozen=True)
class _Proved:
    """A record, and the head that it leads on from."""

    prev: bytes
    entry: Entry


def prove(remains: Remains, places: Sequence[Place], after: int) -> list[Run]:
    """The records after `after` that the chain proves, back and forward from each known place.

    Raises `JournalError` where two of them prove different journals.
    """
    for place in places:
        remains.heads.setdefault(place.seq, []).append(place.head)
    found: dict[int, _Proved] = {}
    for place in places:
        for each in (*_back(remains, place, after), *_forward(remains, place)):
            seq = each.entry.seq
            if seq > after and found.setdefault(seq, each) != each:
                raise JournalError(
                    f"record {seq} is one by the last receipt and another by the guard: this file"
                    " is of two journals"
                )
    runs: list[Run] = []
    for seq in sorted(found):
        each = found[seq]
        if runs and runs[-1].last == seq - 1:
            if runs[-1].entries[-1].head != each.prev:
                raise JournalError(f"record {seq} does not lead on from record {seq - 1}")
            runs[-1].entries.append(each.entry)
        else:
            runs.append(Run(each.prev, [each.entry]))
    return runs


def _forward(remains: Remains, place: Place) -> Iterator[_Proved]:
    """A record counts whose head is there, or from which the next one leads on to a head."""
    seq, head = place.seq + 1, place.head
    while True:
        for body in remains.bodies.get(seq, ()):
            after = next_head(head, body)
            if after in remains.heads.get(seq, ()) or any(
                next_head(after, following) in remains.heads.get(seq + 1, ())
                for following in remains.bodies.get(seq + 1, ())
            ):
                yield _Proved(head, Entry(seq, body, after))
                seq, head = seq + 1, after
                break
        else:
            return


def _back(remains: Remains, place: Place, after: int) -> list[_Proved]:
    """From a head, the records that led to it, the first one first."""
    found: list[_Proved] = []
    seq, head = place.seq, place.head
    while seq > after:
        led = next(
            (
                _Proved(prev, Entry(seq, body, head))
                for body in remains.bodies.get(seq, ())
                for prev in remains.heads.get(seq - 1, ())
                if next_head(prev, body) == head
            ),
            None,
        )
        if led is None:
            break
        found.append(led)
        seq, head = seq - 1, led.prev
    return found[::-1]


def rescue(
    manifest: Manifest, remains: Remains, places: Sequence[Place], boot: Boot, key: SigningKey
) -> tuple[Manifest, bytes]:
    """The salvage file of what was read; its manifest names what is missing.

    Raises `JournalError` as `prove` does.
    """
    runs = prove(remains, places, manifest.after)
    last = max((manifest.after, *remains.heads))
    missing = tuple(
        Span(first=first, last=last) for first, last in _missing(runs, manifest.after, last)
    )
    told = manifest.model_copy(update={"missing": missing})
    batches = [
        _batch(told, str(boot), prev, entries, remains.plans, key)
        for run in runs
        for prev, entries in _pieces(run)
    ]
    return told, encode_salvage(told, batches, key)


def salvage(
    path: Path, target: Path, guard_path: Path | None = None, after: int | None = None
) -> Salvaged:
    """Write the salvage file of a journal. Raises `JournalError`; an existing file stays.

    `after`: from the record after it on; by default from the last receipt on.
    """
    try:
        pages = read_pages(path)
    except OSError as error:
        raise JournalError(f"{path}: {of_system(error)}") from error
    descriptions = list(_descriptions(pages))
    remains = _remains(pages)
    epoch = max((_number(told.get("epoch")) for told in descriptions), default=-1)
    epoch = epoch if epoch > 0 else epoch_of(path)
    known = _guard_of(path, epoch, guard_path or _known_guard(descriptions))
    gateway = next((told["gateway"] for told in descriptions if "gateway" in told), None)
    gateway = gateway or (known.gateway if known else None)
    if gateway is None:
        raise JournalError(f"{path}: it no longer says whose journal it is, and no guard does")
    receipt = _last_receipt(descriptions, gateway, epoch, remains)
    signed_by, key = _signing_key(path, epoch)
    boots = (_number(told.get("boot")) for told in descriptions)
    boot = Boot(max((0, *boots)), _NO_NONCE)
    asked = Manifest(
        gateway=gateway,
        epoch=epoch,
        after=receipt.seq if after is None else min(after, receipt.seq),
    )
    places = [receipt]
    if known is not None and known.gateway == gateway:
        places.append(Place(known.seq, known.head))
    if asked.after == 0 or receipt.head not in remains.heads.get(receipt.seq, ()):
        places.append(_beginning(descriptions, gateway, epoch))
    manifest, content = rescue(asked, remains, places, boot, key)
    _write(target, content)
    found = decode_salvage(content)
    return Salvaged(
        str(path),
        gateway,
        epoch,
        manifest.after,
        sum(len(batch.records) for _, batch in found.batches),
        tuple((span.first, span.last) for span in manifest.missing),
        signed_by,
    )


def _descriptions(pages: Pages) -> Iterator[dict[str, str]]:
    """Each version of what the journal says of itself."""
    for leaf in pages.leaves():
        told = {
            name: value
            for _, columns in leaf
            if len(columns) == 2
            for name, value in [columns]
            if isinstance(name, str) and isinstance(value, str)
        }
        if "committed" in told or "gateway" in told:
            yield told


def _last_receipt(
    descriptions: Iterable[dict[str, str]], gateway: str, epoch: int, remains: Remains
) -> Place:
    """The newest receipt that is kept; one whose record is there comes before one without."""
    found: list[tuple[bool, int, int, bytes]] = []
    for told in descriptions:
        committed, incarnation = _number(told.get("committed")), _number(told.get("incarnation"))
        head = _head(told.get("committed_head"))
        if committed >= 0 and head is not None:
            known = committed == 0 or head in remains.heads.get(committed, ())
            found.append((known, incarnation, committed, head))
    if found:
        _, _, committed, head = max(found)
        return Place(committed, head)
    return _beginning(descriptions, gateway, epoch)


def _beginning(descriptions: Iterable[dict[str, str]], gateway: str, epoch: int) -> Place:
    """The head before the epoch's first record."""
    heads = (_head(told.get("previous_head")) for told in descriptions)
    return Place(0, first_head(gateway, epoch, next(filter(None, heads), NO_HEAD)))


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdigit() and text.isascii() else -1


def _head(text: str | None) -> bytes | None:
    return bytes.fromhex(text) if text is not None and _HEX32.fullmatch(text) else None


def _known_guard(descriptions: Iterable[dict[str, str]]) -> Path | None:
    return next((Path(told["guard"]) for told in descriptions if "guard" in told), None)


def _guard_of(path: Path, epoch: int, guard: Path | None) -> Mark | None:
    """The guard's last word on this journal, kept by enrolment or read from the guard."""
    for each in (kept_mark(path), guard):
        if each is None:
            continue
        try:
            mark = Guard(GuardFile(each)).read()
        except RolledBack:
            continue
        if mark.epoch == epoch:
            return mark
    return None


def _remains(pages: Pages) -> Remains:
    found = Remains()
    for seq, columns in pages.rows():
        if is_record(columns):
            _, body, head = columns
            assert isinstance(body, bytes)
            assert isinstance(head, bytes)
            found.add(seq, body, head)
        elif len(columns) == 3:
            found.add_plan(*columns)
    for versions in pages.versions.values():
        for page in versions:
            for seq, body, head in _carved(page):
                found.add(seq, body, head)
    return found


def _carved(page: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Find records by their form in a page whose index is damaged.

    A body begins with its number. The column types stand before it: the body's, which gives its
    length, then the head's. Records that continue on other pages are not found this way.
    """
    for begun in _BODY.finditer(page):
        at = begun.start()
        for width in (1, 2, 3):
            kind = 0
            for byte in page[at - 1 - width : at - 1]:
                kind = kind << 7 | byte & 0x7F
            end = at + (kind - 12) // 2
            body, head = page[at:end], page[end : end + 32]
            if kind >= 12 and kind % 2 == 0 and body.endswith(b"}") and len(head) == 32:
                yield int(begun[1]), body, head


def _missing(runs: Sequence[Run], after: int, last: int) -> Iterator[tuple[int, int]]:
    for run in runs:
        if run.first > after + 1:
            yield after + 1, run.first - 1
        after = run.last
    if last > after:
        yield after + 1, last


def _signing_key(path: Path, epoch: int) -> tuple[int, SigningKey]:
    """The epoch's own key, or where it is lost that of the newest one."""
    newest = newest_journal(path.parent)
    tried = dict.fromkeys([epoch, *([epoch_of(newest)] if newest else [])])
    for each in tried:
        try:
            return each, load_key(journal_path(path.parent, each))
        except KeyDamaged:
            continue
    raise JournalError(
        f"{path}: the key beside it cannot be read, and no later epoch is enrolled here: enrol the "
        "gateway again first"
    )


def _pieces(run: Run) -> Iterator[tuple[bytes, Sequence[Entry]]]:
    """A run in batches, each with the head before it."""
    prev, begun, size = run.prev, 0, 0
    for index, entry in enumerate(run.entries):
        if index > begun and (index - begun == MAX_RECORDS or size + len(entry.body) > MAX_BYTES):
            yield prev, run.entries[begun:index]
            prev, begun, size = run.entries[index - 1].head, index, 0
        size += len(entry.body) + 1
    yield prev, run.entries[begun:]


def _batch(
    manifest: Manifest,
    boot: str,
    prev: bytes,
    entries: Sequence[Entry],
    plans: Mapping[tuple[int, int], list[str]],
    key: SigningKey,
) -> bytes:
    """A batch, with the plans that its records accept: a restored register may not hold them."""
    records = filter(None, (accepted(entry.body) for entry in entries))
    found = [
        plan for record in records for plan in plans.get((record.incarnation, record.version), ())
    ]
    header = BatchHeader(
        gateway=manifest.gateway,
        epoch=manifest.epoch,
        boot=boot,
        first=entries[0].seq,
        last=entries[-1].seq,
        prev=prev.hex(),
        head=entries[-1].head.hex(),
        plans=tuple(found) or None,
    )
    return encode_batch(header, [entry.body for entry in entries], key)


def _write(target: Path, content: bytes) -> None:
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise JournalError(f"{target} exists; a salvage never overwrites") from error
    except OSError as error:
        raise JournalError(f"{target}: {of_system(error)}") from error

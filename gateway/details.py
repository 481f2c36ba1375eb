"""Details: what went wrong, by a code of the catalogues with its facts, and in English.

    raise RolledBack(detail("guard-ahead", seq=181, end=140))

A detail is its English sentence, for logs and commands. The page tells it in its reader's language,
by the text `detail.<code>` of its catalogues; every code of `ENGLISH` has to have one there.
"""

import errno
from collections.abc import Mapping
from typing import Any

ENGLISH: Mapping[str, str] = {
    # The guard, and the journal as it knows it
    "guard-unreadable": "the guard {guard} cannot be read: {fault}",
    "guard-empty": "the guard {guard} holds no whole entry",
    "guard-of-another": (
        "the guard is of {gateway}, epoch {epoch}; the journal of {ours}, epoch {our_epoch}"
    ),
    "guard-ahead": "the guard knows record {seq}, the journal ends at {end}",
    "guard-other-record": "record {seq} is not the one that the guard knows",
    # The journal, as its last receipt and the register know it
    "receipt-ahead": "a receipt stands for record {seq}, the journal ends at {end}",
    "receipt-other-record": "record {seq} is not the one of the last receipt",
    "register-ahead": "the register holds {seq} records, this journal {end}",
    "register-other-record": "record {seq} is another one in the register",
    "register-latches": "the register says so",
    "register-closed": "the register says that this epoch is closed",
    "register-says": "the register says that this epoch is {state}",
    "session-given-away": "the broker gave the session away",
    # The journal and its files
    "latches-damaged": "{path} is damaged: {fault}",
    "description-damaged": "{journal}: its own description is damaged: {fault}",
    "description-lacks": "{journal}: {key} is missing",
    "receipt-damaged": "{journal}: the last receipt is damaged: {fault}",
    "record-missing": "{journal}: record {seq} is missing",
    "record-changed": "{journal}: record {seq} does not hash to its head",
    "record-unreadable": "{journal}: record {seq} cannot be read ({fault})",
    "file-damaged": "{journal}: {fault}",
    "log-damaged": (
        "{journal}: its write-ahead log is damaged after record {end}, and records follow there; "
        "enrol again, then bring what it still holds: gjurma-gateway journal salvage"
    ),
    "key-damaged": (
        "{key}: {fault}; put the file back from a copy, or enrol again and bring what the journal "
        "holds: gjurma-gateway journal salvage"
    ),
    "key-unreadable": "it is damaged",
    "file-unchecked": "{journal}: it cannot be checked",
    "no-bytes": "{journal}: {found} where bytes belong",
    "file-fails": "{journal}: {fault}",
    "no-journal": "{journal}: there is no such journal",
    "epoch-exists": "{journal} exists; an epoch is opened once",
    "journal-locked": "{journal}: another gateway process has this journal open",
    "journal-not-locked": "{journal}: cannot be locked: {fault}",
    "reserve-fails": "{reserve}: {fault}",
    "no-room": "{journal}: no room on the disk",
    "no-room-for-cycle": "{journal}: no room for a whole cycle",
    # What the system says of a file or a medium
    "os-not-there": "it is not there",
    "os-not-allowed": "this program may not",
    "os-read-only": "it is read-only",
    "os-full": "there is no room",
    "os-medium": "the medium does not answer",
    "os-other": "{fault}",
}
"""By code, the sentence with its places in braces."""

_SYSTEM = {
    **dict.fromkeys((errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTDIR), "os-not-there"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "os-not-allowed"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "os-full"),
    errno.EROFS: "os-read-only",
    **dict.fromkeys((errno.EIO, errno.ETIMEDOUT), "os-medium"),
}


class Detail(str):
    """A sentence in English that knows its code and its facts; a fact may be a detail again."""

    code: str
    facts: Mapping[str, str]

    def __new__(cls, english: str, code: str, facts: Mapping[str, str] | None = None) -> "Detail":
        made = super().__new__(cls, english)
        made.code, made.facts = code, facts or {}
        return made


def detail(code: str, **facts: object) -> Detail:
    """`code`: of `ENGLISH`."""
    kept = {
        name: value if isinstance(value, Detail) else str(value) for name, value in facts.items()
    }
    return Detail(ENGLISH[code].format(**kept), code, kept)


def of_error(error: Exception) -> str:
    """What it was raised with: a detail where it has one."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, Detail) else str(error)


def of_system(error: OSError) -> Detail:
    code = _SYSTEM.get(error.errno or 0)
    return detail(code) if code else detail("os-other", fault=error.strerror or error)


def as_json(told: str) -> Any:
    """A detail as its parts; a text of no code stays one."""
    if not isinstance(told, Detail):
        return told
    facts = {name: as_json(value) for name, value in told.facts.items()}
    return {"code": told.code, "facts": facts, "english": str(told)}


def from_json(value: Any) -> str:
    """The inverse; raises ValueError, KeyError, TypeError or AttributeError for what was never
    `as_json`'s."""
    if isinstance(value, dict):
        facts = {str(name): from_json(each) for name, each in value["facts"].items()}
        return Detail(str(value["english"]), str(value["code"]), facts)
    return str(value)

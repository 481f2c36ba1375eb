"""The physical truth: which piece lies at which station, and what is engraved on it.

A piece is a tray: each of its positions, counted from 1, is a carton, metal of its own. One that is
no tray has its metal at position 1. One SQLite file, written when metal changes and before any
reply. No program but the simulators' reads or writes it.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE = "parts.db"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS piece (
    id INTEGER PRIMARY KEY AUTOINCREMENT, station TEXT NOT NULL, loaded_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS laying (
    id INTEGER PRIMARY KEY, piece INTEGER NOT NULL REFERENCES piece, station TEXT NOT NULL,
    laid_at TEXT NOT NULL, taken_at TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS one_piece_a_station ON laying (station) WHERE taken_at IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS one_place_a_piece ON laying (piece) WHERE taken_at IS NULL;
CREATE TABLE IF NOT EXISTS engraving (
    id INTEGER PRIMARY KEY, piece INTEGER REFERENCES piece, station TEXT NOT NULL,
    position INTEGER NOT NULL, content TEXT NOT NULL, lines TEXT NOT NULL, quality REAL NOT NULL,
    device TEXT NOT NULL, at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS engravings_of_a_piece ON engraving (piece);
"""


@dataclass(frozen=True)
class Engraving:
    """One symbol on a piece (`piece` None: fired into the air). `quality` is 0 to 1."""

    id: int
    piece: int | None
    station: str
    position: int
    content: str
    lines: tuple[str, ...]
    quality: float
    device: str
    at: str

    @property
    def readable(self) -> bool:
        return self.quality >= 0.5


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


class PartStore:
    """The pieces of one simulated site. Every method commits before it returns.

    Safe for several processes at once; an object of it belongs to one thread.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=DELETE")
        # The file has to outlive a killed process, not a power cut of the simulating machine.
        self._db.execute("PRAGMA synchronous=OFF")
        with self._writing() as db:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)

    def close(self) -> None:
        self._db.close()

    def load(self, station: str) -> int:
        """Lay a new blank piece; the former one is taken away. Returns its number."""
        now = _now()
        with self._writing() as db:
            made = db.execute(
                "INSERT INTO piece (station, loaded_at) VALUES (?, ?)", (station, now)
            )
            piece = made.lastrowid
            assert piece is not None
            self._lay(piece, station, now)
        return piece

    def load_again(self, piece: int, station: str) -> None:
        """Lay an old piece, wherever it was. Raises LookupError if there is none of that number."""
        with self._writing():
            self._exists(piece)
            self._lay(piece, station, _now())

    def take(self, station: str) -> int | None:
        """Take the piece away and leave the station empty. Returns its number."""
        with self._writing():
            piece = self.present(station)
            self._take("station", station, _now())
        return piece

    def present(self, station: str) -> int | None:
        """The piece that lies at the station."""
        row = self._db.execute(
            "SELECT piece FROM laying WHERE station = ? AND taken_at IS NULL", (station,)
        ).fetchone()
        return None if row is None else int(row[0])

    def engrave(
        self,
        station: str,
        position: int,
        content: str,
        lines: tuple[str, ...] | list[str],
        quality: float,
        device: str,
    ) -> Engraving:
        """Change the metal at the station; with no piece there, the shot goes into the air."""
        now = _now()
        with self._writing() as db:
            piece = self.present(station)
            made = db.execute(
                "INSERT INTO engraving (piece, station, position, content, lines, quality, device,"
                " at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (piece, station, position, content, json.dumps(lines), quality, device, now),
            )
            number = made.lastrowid
            assert number is not None
        return Engraving(
            number, piece, station, position, content, tuple(lines), quality, device, now
        )

    def spoil(self, engraving: int, quality: float) -> None:
        """A mark is interrupted: it stays as it is, at a lower quality."""
        with self._writing() as db:
            db.execute(
                "UPDATE engraving SET quality = min(quality, ?) WHERE id = ?", (quality, engraving)
            )

    def exchange(self, station: str, one: int, other: int) -> None:
        """Swap the cartons at two positions of the tray that lies at the station.

        Raises LookupError if none lies there.
        """
        with self._writing():
            piece = self._lying(station)
            self._swap((piece, one), (piece, other))

    def replace_at(self, station: str, position: int, old: tuple[int, int] | None = None) -> int:
        """Put another carton at a position of the tray at the station: `old`, which is now at that
        (piece, position), or a blank one. The two change places: returns the piece that has the
        carton which was there, at the same position or at that of `old`. Raises LookupError.
        """
        now = _now()
        with self._writing() as db:
            piece = self._lying(station)
            if old is None:
                made = db.execute(
                    "INSERT INTO piece (station, loaded_at) VALUES (?, ?)", (station, now)
                )
                assert made.lastrowid is not None
                old = (made.lastrowid, position)
            self._exists(old[0])
            self._swap((piece, position), old)
        return old[0]

    def seen(self, station: str) -> list[Engraving]:
        """All that is engraved on the piece at the station, oldest first, readable or not."""
        piece = self.present(station)
        if piece is None:
            return []
        return self._engravings("WHERE piece = ?", (piece,))

    def engraved(self, station: str) -> list[Engraving]:
        """All that was engraved at the station, oldest first, wherever its piece is now."""
        return self._engravings("WHERE station = ?", (station,))

    def dump(self) -> list[dict[str, Any]]:
        """Every piece with what is on it; shots into the air as a last entry with piece None.

        `{"piece", "station", "loaded_at", "layings": [{"station", "laid_at", "taken_at"}],
        "engravings": [{"position", "content", "lines", "quality", "station", "device", "at"}]}`
        """
        self._db.execute("BEGIN")  # one moment for all three tables
        try:
            pieces = self._db.execute(
                "SELECT id, station, loaded_at FROM piece ORDER BY id"
            ).fetchall()
            layings = self._db.execute(
                "SELECT piece, station, laid_at, taken_at FROM laying ORDER BY id"
            ).fetchall()
            engravings = self._engravings("", ())
        finally:
            self._db.execute("COMMIT")
        found: dict[int | None, dict[str, Any]] = {
            piece: {
                "piece": piece,
                "station": station,
                "loaded_at": loaded_at,
                "layings": [],
                "engravings": [],
            }
            for piece, station, loaded_at in pieces
        }
        for piece, station, laid_at, taken_at in layings:
            found[piece]["layings"].append(
                {"station": station, "laid_at": laid_at, "taken_at": taken_at}
            )
        for engraving in engravings:
            if engraving.piece is None:
                air = {"piece": None, "station": None, "loaded_at": None}
                found.setdefault(None, {**air, "layings": [], "engravings": []})
            found[engraving.piece]["engravings"].append(
                {
                    "position": engraving.position,
                    "content": engraving.content,
                    "lines": list(engraving.lines),
                    "quality": engraving.quality,
                    "station": engraving.station,
                    "device": engraving.device,
                    "at": engraving.at,
                }
            )
        return list(found.values())

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _exists(self, piece: int) -> None:
        if self._db.execute("SELECT 1 FROM piece WHERE id = ?", (piece,)).fetchone() is None:
            raise LookupError(f"no piece {piece}")

    def _lying(self, station: str) -> int:
        piece = self.present(station)
        if piece is None:
            raise LookupError(f"nothing lies at {station}")
        return piece

    def _swap(self, one: tuple[int, int], other: tuple[int, int]) -> None:
        """What is engraved moves with its metal."""
        self._db.execute(
            "UPDATE engraving SET"
            " piece = iif((piece, position) = (?1, ?2), ?3, ?1),"
            " position = iif((piece, position) = (?1, ?2), ?4, ?2)"
            " WHERE (piece, position) IN (VALUES (?1, ?2), (?3, ?4))",
            (*one, *other),
        )

    def _lay(self, piece: int, station: str, now: str) -> None:
        self._take("station", station, now)
        self._take("piece", piece, now)
        self._db.execute(
            "INSERT INTO laying (piece, station, laid_at) VALUES (?, ?, ?)", (piece, station, now)
        )

    def _take(self, column: str, value: str | int, now: str) -> None:
        assert column in ("station", "piece")
        self._db.execute(
            f"UPDATE laying SET taken_at = ? WHERE {column} = ? AND taken_at IS NULL",  # noqa: S608
            (now, value),
        )

    def _engravings(self, where: str, values: tuple[int | str, ...]) -> list[Engraving]:
        rows = self._db.execute(
            "SELECT id, piece, station, position, content, lines, quality, device, at"  # noqa: S608
            f" FROM engraving {where} ORDER BY id",
            values,
        )
        return [
            Engraving(number, piece, station, position, content, tuple(json.loads(lines)), *rest)
            for number, piece, station, position, content, lines, *rest in rows
        ]


Places = dict[str, list[tuple[int, int]]]


def doubled(pieces: Sequence[dict[str, Any]]) -> Places:
    """The contents that are on more than one (piece, position) of a `dump`, and on which."""
    places: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for place, contents in _engraved(pieces).items():
        for content in dict.fromkeys(contents):
            places[content].append(place)
    return {content: found for content, found in places.items() if len(found) > 1}


def marked_over(pieces: Sequence[dict[str, Any]]) -> dict[tuple[int, int], list[str]]:
    """The (piece, position) with more than one engraving, and all that is there, oldest first.

    A mark that was declared as a repeat stands there too: its content is there twice.
    """
    return {place: found for place, found in _engraved(pieces).items() if len(found) > 1}


def _engraved(pieces: Sequence[dict[str, Any]]) -> dict[tuple[int, int], list[str]]:
    """By (piece, position), every content on it; what was fired into the air is on no metal."""
    found: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for piece in pieces:
        if piece["piece"] is not None:
            for engraving in piece["engravings"]:
                found[piece["piece"], engraving["position"]].append(engraving["content"])
    return dict(found)

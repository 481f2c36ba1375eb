"""What must agree after any stop: the part, the journal and the register."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from central import keys
from central.reconcile.balance import reconcile as balance_of
from gateway import inspection
from gateway.contract.record import Intent, Record, decode_record
from tests.crash.site import Site
from tests.support.central import Centre


@dataclass
class Metal:
    """What is engraved. `pieces`: by content, the pieces that carry it, once a shot."""

    pieces: dict[str, list[int]] = field(default_factory=dict)
    contents: dict[int, list[str]] = field(default_factory=dict)
    air: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, site: Site) -> "Metal":
        metal = cls()
        for piece in site.parts.dump():
            for engraving in piece["engravings"]:
                if piece["piece"] is None:
                    metal.air.append(engraving["content"])
                    continue
                metal.pieces.setdefault(engraving["content"], []).append(piece["piece"])
                metal.contents.setdefault(piece["piece"], []).append(engraving["content"])
        return metal


def records(site: Site) -> Iterator[Record]:
    """Every record of every journal of the site, oldest first."""
    for path in site.readable_journals():
        yield from records_in(path)


def records_in(journal: Path) -> Iterator[Record]:
    """Every record of one journal."""
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as db:
        bodies = db.execute("SELECT body FROM record ORDER BY seq").fetchall()
    yield from (decode_record(bytes(body)) for (body,) in bodies)


def intents(site: Site) -> dict[str, str]:
    """By symbol content, the UII, of every intent in every journal of the site."""
    found: dict[str, str] = {}
    for record in records(site):
        if isinstance(record, Intent):
            for mark in record.marks:
                assert mark.content not in found, f"{mark.content!r} was spent twice"
                found[mark.content] = mark.item.uii
    return found


def register(site: Site) -> dict[str, str]:
    """By UII, the state of every item that the register holds of the site's order."""
    rows = site.centre.sql(
        "SELECT uii, state, duplicated, quarantined FROM item WHERE order_code = %s",
        site.order_code,
    )
    for uii, state, duplicated, quarantined in rows:
        assert not duplicated, (uii, state)
        assert not quarantined, (uii, state)
    return {uii: state for uii, state, *_ in rows}


def assert_metal_is_single(metal: Metal) -> None:
    """No part with two numbers, no number on two parts, nothing marked over, nothing in the air."""
    doubled = {content: pieces for content, pieces in metal.pieces.items() if len(pieces) != 1}
    assert not doubled, f"a number on two parts, or marked over: {doubled}"
    twice = {piece: found for piece, found in metal.contents.items() if len(found) != 1}
    assert not twice, f"parts with two numbers: {twice}"
    assert not metal.air


def assert_agree(site: Site) -> Counter[str]:
    """Compare all three; the register's states, counted. Everything has been delivered before."""
    if site.small_disk is None:
        report = inspection.verify(site.journal)
        assert report.good, report
    else:
        told = site.verify()
        assert told["good"], told
    metal, spent, held = Metal.of(site), intents(site), register(site)
    assert_metal_is_single(metal)
    unknown = metal.pieces.keys() - spent.keys()
    assert not unknown, f"engraved without an intent: {unknown}"
    assert set(spent.values()) == set(held), "the journal and the register hold different numbers"
    for content, uii in spent.items():
        # Every engraving here is legible: read, or accepted by two people, it is good.
        expected = "good" if content in metal.pieces else "voided"
        assert held[uii] == expected, uii
    return Counter(held.values())


def reconcile(centre: Centre) -> dict[str, Any]:
    """What `gjurma-central reconcile --json` prints, which has to balance."""
    answer: dict[str, Any] = json.loads(centre.run("reconcile", "--json"))
    assert answer["balanced"] is True
    return answer


def balance(centre: Centre) -> dict[str, Any]:
    """The same, counted in this process: where hundreds of cases follow each other."""
    with psycopg.connect(centre.database) as connection:
        counted = balance_of(connection, keys.load_public(centre.folder / "keys"))
    return counted.told()


def assert_balanced(site: Site, states: Counter[str], answer: dict[str, Any]) -> dict[str, Any]:
    """The mass balance closes, and its terms are what the items say; the order's line."""
    assert answer["balanced"] is True
    (line,) = [each for each in answer["orders"] if each["order"] == site.order_code]
    assert line["unaccounted"] == []
    terms = ("unused", "open", "good", "rejected", "scrapped", "voided", "unknown", "lost")
    assert line["issued"] == sum(line[term] for term in terms)
    for term in ("open", "good", "rejected", "scrapped", "voided", "unknown"):
        assert line[term] == states[term], (term, line, states)
    return dict(line)

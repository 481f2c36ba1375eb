"""`gjurma-sim parts`: every physical piece and what is on it; loads a new one on request."""

import argparse
import json
import sys
from pathlib import Path

from simulators.part import FILE, PartStore, doubled, marked_over


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("parts", help="every physical piece and what is on it")
    command.add_argument("--state", type=Path, required=True, metavar="DIR")
    command.add_argument("--json", action="store_true", help="one JSON array")
    command.add_argument(
        "--load", metavar="STATION", help="lay a new blank piece at that station first"
    )
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    path = arguments.state / FILE
    if arguments.load is None and not path.exists():
        print(f"gjurma-sim parts: {path} does not exist", file=sys.stderr)
        return 2
    store = PartStore(path)
    try:
        if arguments.load is not None:
            store.load(arguments.load)
        pieces = store.dump()
    finally:
        store.close()
    if arguments.json:
        print(json.dumps(pieces, ensure_ascii=False))
        return 0
    for piece in pieces:
        name = "air" if piece["piece"] is None else f"piece {piece['piece']}"
        where = [laying["station"] for laying in piece["layings"] if laying["taken_at"] is None]
        print(f"{name}: {f'lies at {where[0]}' if where else 'taken away'}")
        for engraving in piece["engravings"]:
            print(
                f"  {engraving['position']} {engraving['content']!r}"
                f" quality {engraving['quality']:.2f} by {engraving['device']} {engraving['at']}"
            )
    for content, places in doubled(pieces).items():
        told = ", ".join(f"piece {piece} position {position}" for piece, position in places)
        print(f"doubled: {content!r} on {told}")
    for (number, position), contents in marked_over(pieces).items():
        print(f"marked over: piece {number} position {position}: {', '.join(map(repr, contents))}")
    return 0

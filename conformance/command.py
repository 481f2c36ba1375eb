"""`gjurma-sim conformance`: a real device and its driver, tried property by property.

Without `--mark` nothing is armed: a marker is only asked. With it a person at a terminal types yes,
lays each blank piece, and counts what is on it: nobody else can say what a real laser engraved.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from pydantic import ValidationError

from conformance.questions import opened
from conformance.readers import counted
from conformance.rig import CONTENT, NotOffered, Rig
from conformance.run import Try, chosen, properties, tried
from conformance.wire import Tap, between, wire_to
from drivers import catalog
from drivers.options import given, option_faults

SECONDS = 3600.0


class Lying:
    """What lies before a reader and stays there: known by its first look, or told."""

    def __init__(self, contents: list[str] | None) -> None:
        self.known = contents

    async def lay(self, *_contents: str) -> None:
        raise NotOffered

    async def contents(self) -> list[str]:
        if self.known is None:
            raise NotOffered
        return list(self.known)


class Counted:
    """The pieces before a real marker: a person lays them, and says what is on them."""

    def __init__(self, content: str) -> None:
        self._content = content

    async def lay(self, *contents: str) -> None:
        if contents:
            raise NotOffered
        await asyncio.to_thread(input, "Lay a blank piece, then press Enter. ")

    async def contents(self) -> list[str]:
        while True:
            told = await asyncio.to_thread(input, "How many marks are on it now? ")
            if told.strip().isdigit():
                return [self._content] * int(told)


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("conformance", help="a real device: what its driver holds")
    command.add_argument("url", help="as in the gateway's configuration")
    command.add_argument("--kind", required=True, choices=catalog.names())
    command.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    command.add_argument("--only", action="append", default=[], metavar="PROPERTY")
    command.add_argument("--points", type=int, default=8, help="of a conversation, for each fault")
    command.add_argument("--expect", action="append", metavar="CODE", help="what a reader will see")
    command.add_argument("--job", default="", help="a marker's stored job")
    command.add_argument("--content", default=CONTENT, help="what is engraved with --mark")
    command.add_argument("--mark", action="store_true", help="engrave: asked for once more")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 all held, 1 something failed, 2 wrong use."""
    kind = catalog.find(arguments.kind)
    try:
        options = given(kind.options, (_pair(each) for each in arguments.option))
        kind.build(arguments.url, kind.options.model_validate(options), "device")
        wire_to(arguments.url)
        wanted = _wanted(kind.role, arguments)
    except ValidationError as fault:
        print("\n".join(option_faults(fault)), file=sys.stderr)
        print(f"`gjurma-gateway drivers {kind.name}` lists the options", file=sys.stderr)
        return 2
    except ValueError as fault:
        print(fault, file=sys.stderr)
        return 2
    if arguments.mark and not _agreed(kind.role, arguments):
        return 2
    return asyncio.run(_whole(kind.role == "marker", options, wanted, arguments))


def _pair(text: str) -> tuple[str, str]:
    """Split NAME=VALUE. Raises ValueError."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError(f"--option {text!r} is not of the form name=value")
    return name, value


def _wanted(role: Literal["marker", "reader"], arguments: argparse.Namespace) -> dict[str, Try]:
    """The properties to be tried. Raises ValueError where none has such a name."""
    offered = properties(role, marks=arguments.mark)
    wanted = chosen(arguments.only, offered)
    if not wanted:
        more = "" if arguments.mark or role == "reader" else "; the others of a marker need --mark"
        raise ValueError(f"--only: no such property; there are {', '.join(offered)}{more}")
    return wanted


def _agreed(role: str, arguments: argparse.Namespace) -> bool:
    """Whether a person wants this engraved."""
    if role != "marker" or not arguments.job:
        print("--mark is for a marker, and needs --job", file=sys.stderr)
        return False
    if not sys.stdin.isatty():
        print("--mark wants a person at a terminal", file=sys.stderr)
        return False
    print(f"{arguments.kind} at {arguments.url} will engrave {arguments.content!r}, many times,")
    print("while faults are let into its wire. Keep its emergency stop at hand.")
    return input("Type yes to go on: ") == "yes"


async def _whole(
    marker: bool, options: dict[str, Any], wanted: dict[str, Try], arguments: argparse.Namespace
) -> int:
    metal: Lying | Counted = Lying([] if marker else arguments.expect)
    if arguments.mark:
        metal = Counted(arguments.content)

    @asynccontextmanager
    async def rigged() -> AsyncIterator[Rig]:
        tap = Tap()
        async with between(arguments.url, tap) as wire:
            rig = Rig(arguments.kind, wire, options, tap, metal, job=arguments.job)
            rig.content, rig.points = arguments.content, arguments.points
            rig.late, rig.outcome_seconds, rig.look_seconds = 6.0, 60.0, 5.0
            try:
                if isinstance(metal, Lying) and metal.known is None:
                    metal.known = await counted(rig, await opened(rig))
                    print(f"before the reader: {metal.known}")
                    await rig.shut()
                yield rig
            finally:
                await rig.shut()

    failed = False
    for name, attempt in wanted.items():
        result = await tried(name, attempt, rigged, SECONDS)
        print(result.line(), flush=True)
        failed |= result.verdict == "failed"
    return int(failed)

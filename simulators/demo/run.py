"""`gjurma-sim demo` and `gjurma-sim fault`: the demo as people meet it."""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import random
import secrets
import signal
import sys
import termios
import time
import tty
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from simulators.control import ask
from simulators.demo.audit import Audit, audit
from simulators.demo.equipment import MARKER, MARKERS, READER, READERS
from simulators.demo.factory import Factory
from simulators.demo.faults import FAULTS, MANY_PARTS, schedule
from simulators.demo.findings import on_metal, with_faults, without_faults
from simulators.demo.folder import SOCKET, FolderRefused, alone_in, clean_up, equipment
from simulators.demo.looks import SPOILED, Looks, looked
from simulators.demo.mischief import Mischief
from simulators.demo.shift import Fault, Line
from simulators.demo.sites import POLICAN, Site, gramsh
from simulators.demo.store import DEVICE

GOOD, FINDING, WRONG_USE = 0, 1, 2
DRAIN_S = 60.0
BLANK_EVERY_S = 0.25
HUMAN_PACE_S = 2.0
MIN_PARTS_WITH_FAULTS = 50
SHIFT_END_S = 60.0
"""How long a shift may take to finish the weapon or the group that it has begun."""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `demo` and `fault` to `gjurma-sim`."""
    demo = commands.add_parser("demo", help="the whole flow on this machine, with two factories")
    demo.add_argument("--once", action="store_true", help="mark N weapons and N cartons, then end")
    demo.add_argument("--fresh", action="store_true", help="begin with an empty state folder")
    demo.add_argument("--state", type=Path, default=Path(".gjurma"), metavar="DIR")
    demo.add_argument("--parts", type=int, default=50, metavar="N", help="weapons, and cartons")
    demo.add_argument("--faults", action="store_true", help="with faults of every kind")
    demo.add_argument("--seed", type=int, help="decides which part meets which fault")
    demo.add_argument("--speed", type=float, help="how many times faster than real devices")
    demo.add_argument("--json", action="store_true", help="print the last line alone")
    demo.add_argument("--marker", choices=MARKERS, help=f"what marks at Gramsh; else {MARKER}")
    demo.add_argument("--reader", choices=READERS, help=f"what reads there; else {READER}")
    demo.set_defaults(run=_demo)
    fault = commands.add_parser("fault", help="let something go wrong in a running demo")
    fault.add_argument("name", help="'list' tells what there is")
    fault.add_argument("target", nargs="?", default="", help="a gateway; else the first one")
    fault.add_argument("--state", type=Path, default=Path(".gjurma"), metavar="DIR")
    fault.set_defaults(run=_fault)


def _fault(arguments: argparse.Namespace) -> int:
    path = arguments.state / SOCKET
    request = {"op": arguments.name, "target": arguments.target}
    try:
        reply = asyncio.run(ask(path, request))
    except OSError:
        print(f"no demo is running in {arguments.state}; start one: make demo", file=sys.stderr)
        return FINDING
    if not reply.get("ok"):
        print(reply.get("error"), file=sys.stderr)
        return WRONG_USE
    print(reply["said"])
    return GOOD


def _demo(arguments: argparse.Namespace) -> int:
    if arguments.parts < 1:
        print("--parts is at least 1", file=sys.stderr)
        return WRONG_USE
    if arguments.faults and arguments.parts < MIN_PARTS_WITH_FAULTS:
        print(f"--faults needs --parts {MIN_PARTS_WITH_FAULTS} or more", file=sys.stderr)
        return WRONG_USE
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    interactive = sys.stdin.isatty() and not arguments.once and not arguments.json
    show = Show(quiet=arguments.json)
    try:
        with alone_in(arguments.state):
            for what in clean_up(arguments.state.resolve(), fresh=arguments.fresh):
                show.say(what)
            sites = _sites(arguments)
            return asyncio.run(Demo(arguments, show, sites, interactive=interactive).run())
    except FolderRefused as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    except ChildProcessError as error:
        print(error, file=sys.stderr)
        return FINDING


def _sites(arguments: argparse.Namespace) -> tuple[Site, ...]:
    """The lines with the devices that are asked for, else with those that they were begun with.

    Raises FolderRefused: a product names the jobs of one kind of marker.
    """
    state: Path = arguments.state
    former = equipment(state, gramsh().gateway)
    marker = arguments.marker or former.get("marker", MARKER)
    if marker != former.get("marker", marker):
        raise FolderRefused(
            f"{state} was begun with {former['marker']}, whose jobs its products name; "
            "begin anew with --fresh, or give another folder with --state"
        )
    site = gramsh(marker, arguments.reader or former.get("reader", READER))
    if arguments.faults and site.reader.kind == "camera":
        bad = {**site.reader.simulator, "spoil": f"{SPOILED}"}
        site = replace(site, reader=replace(site.reader, simulator=bad))
    return site, POLICAN


@dataclass
class Show:
    """What the demo prints for people."""

    quiet: bool

    def say(self, text: str) -> None:
        if not self.quiet:
            print(text, flush=True)


@dataclass
class Demo:
    """One run of the demo."""

    arguments: argparse.Namespace
    show: Show
    sites: tuple[Site, ...]
    interactive: bool
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    started: float = field(default_factory=time.monotonic)
    _work: list[asyncio.Task[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        given = self.arguments.seed
        self.seed: int = secrets.randbelow(10**6) if given is None else given
        speed = self.arguments.speed or (4.0 if self.interactive else 40.0)
        self.factory = Factory(self.arguments.state, speed, self.show.say, self.sites)
        self.mischief = Mischief(self.factory)

    async def run(self) -> int:
        """Start everything, work, count, stop everything; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.ending.set)
        try:
            self.show.say(f"starting the demo in {self.factory.state} …")
            for step in self.factory.steps():
                await step()
                if self.ending.is_set():
                    print("ended before it had begun", file=sys.stderr)
                    return FINDING
            await self.mischief.look()
            if not self.interactive:  # nobody is there to press the key
                await self._all_well_again()
            self._greet()
            server = await self._open_back_door()
            try:
                await self._work_until_the_end()
                return await self._finish()
            finally:
                server.close()
        finally:
            for task in self._work:
                task.cancel()
            await asyncio.gather(*self._work, return_exceptions=True)
            await self.factory.stop()
            (self.factory.state / SOCKET).unlink(missing_ok=True)

    def _greet(self) -> None:
        factory = self.factory
        self.show.say(f"  {'the registry, live':<32} {factory.web}/")
        self.show.say(f"  {'what the public sees':<32} {factory.web}/public")
        for line, site in zip(factory.lines, factory.sites, strict=True):
            self.show.say(f"  {'operator at ' + line.gateway:<32} {line.operator.base_url}/")
            self.show.say(f"  {'':<32} {site.marker.kind}, read back by {site.reader.kind}")
        on_a_terminal = self.interactive and sys.stdout.isatty()
        phone = factory.phone if on_a_terminal else factory.phone.partition("#")[0]
        self.show.say(f"  {'the warehouse app':<32} {phone}")
        self.show.say(f"  {'everything else':<32} {factory.state / 'demo.json'}")
        where = "" if on_a_terminal else f"; the passwords lie in {factory.accounts_file}"
        self.show.say(f"  to sign in at the registry, in each role{where}:")
        for each in factory.sign_ins:
            told = f", password {each.password}" if on_a_terminal else ""
            self.show.say(f"    {each.role:<20} account {each.account}{told}")
        code = factory.phone.partition(",")[2] if on_a_terminal else "(in the same file)"
        self.show.say(f"  to make a browser the store's device {DEVICE}, once: code {code}")
        if self.interactive:
            self.show.say("  to sign in at an operator's page:")
            for gateway, people in factory.people.items():
                for person in people:
                    text = f"badge {person.badge}, PIN {person.pin} ({', '.join(person.roles)})"
                    self.show.say(f"    {gateway:<20} {text}")
            self.show.say(
                "keys: "
                + ", ".join(f"{key} {act}" for key, act in KEYS.items())
                + ", q end; h, b and u undo"
            )

    async def _open_back_door(self) -> asyncio.Server:
        """For `gjurma-sim fault`."""

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                request = dict(json.loads(await reader.readline()))
                reply = await self._act(str(request.get("op")), str(request.get("target", "")))
                writer.write(json.dumps(reply, ensure_ascii=False).encode() + b"\n")
                await writer.drain()
            except (ValueError, OSError):
                pass  # no request of ours, or whoever asked did not wait for the answer
            finally:
                writer.close()

        path = self.factory.state / SOCKET
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(talk, path)
        path.chmod(0o600)
        return server

    async def _act(self, name: str, target: str = "") -> dict[str, Any]:
        try:
            said = await self.mischief.do(name, target)
        except (LookupError, RuntimeError, OSError, httpx.HTTPError) as error:
            return {"ok": False, "error": str(error) or type(error).__name__}
        if name != "list":
            self.show.say(f"! {said}")
        return {"ok": True, "said": said}

    # -- work

    async def _work_until_the_end(self) -> None:
        lines = self.factory.lines
        shifts = [asyncio.create_task(self._shift(line, index)) for index, line in enumerate(lines)]
        self._work += shifts
        shifts_done = asyncio.Event()
        at_random = None
        if self.arguments.faults:
            chooser = random.Random(self.seed)  # noqa: S311 -- repeatable, not a secret
            times = 1 if self._small else 3
            at_random = asyncio.create_task(self.mischief.at_random(chooser, shifts_done, times))
            self._work.append(at_random)
        ending = asyncio.create_task(self.ending.wait())
        self._work += [ending, asyncio.create_task(self._watch())]
        with self._keys():
            pending = set(shifts)
            while pending and not self.ending.is_set():
                done, _ = await asyncio.wait(
                    {*pending, ending}, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done & pending:
                    task.result()
                pending -= done
        if at_random is not None:
            if self.ending.is_set():
                at_random.cancel()
            await asyncio.gather(at_random, return_exceptions=self.ending.is_set())
        shifts_done.set()
        await self._all_well_again()
        if pending:  # what lies at the stations is seen through before anything is counted
            done, _ = await asyncio.wait(pending, timeout=SHIFT_END_S)
            for task in done:
                task.result()

    async def _watch(self) -> None:
        """Say which program has ended by itself: one that a fault kills is soon back."""
        before: set[str] = set()
        told: set[str] = set()
        while True:
            await asyncio.sleep(2)
            where = self.factory.ended()
            ended = set(where)
            for name in (ended & before) - told:
                self.show.say(f"! {name} has ended by itself; {where[name]}")
            told = ended & (told | before)
            before = ended

    async def _shift(self, line: Line, index: int) -> None:
        """Weapon after weapon, tray after tray; what was begun is finished."""
        count = None if self.interactive else self.arguments.parts
        faults: dict[int, str] = {}
        if self.arguments.faults and count is not None:
            faults = schedule(count, self.seed + index, tray=line.tray)
        waiting: list[str] = []
        cycles = made = told = 0
        await line.take_over()
        while await line.begun():  # a former shift's weapon
            await line.mark_one()
        while (count is None or made < count or waiting) and not self.ending.is_set():
            while True:
                waiting += [faults[cycles]] if cycles in faults else []
                fault = _fitting(line, waiting)
                ended = await line.mark_one(fault)
                cycles += 1
                if fault is not None and not self.show.quiet:
                    self.show.say(f"  {line.gateway}: {_what(line, cycles)}: {fault.name}: {ended}")
                if self.interactive:
                    self.show.say(f"  {line.gateway}: {_what(line, cycles)}: {ended}")
                    await self._pause(HUMAN_PACE_S)
                await self._by_hand(line)
                if self.ending.is_set() or not await line.begun():
                    break
            made += line.tray
            if not self.interactive and made - told >= 25:
                told = made
                self.show.say(
                    f"  {line.gateway}: {made} {'weapons' if line.tray == 1 else 'cartons'}"
                )
        await line.read_back(at_end=True)

    async def _by_hand(self, line: Line) -> None:
        """While somebody else works at the page; what they leave is seen to."""
        if not line.by_hand:
            return
        while line.by_hand and not self.ending.is_set():
            line.lay_for_another()
            await self._pause(BLANK_EVERY_S)
        line.by_hand = False
        await line.take_over()
        await line.choose_own_order()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.ending.wait()

    @contextlib.contextmanager
    def _keys(self) -> Iterator[None]:
        """Single keys, while there is a terminal."""
        if not self.interactive:
            yield
            return
        descriptor = sys.stdin.fileno()
        former = termios.tcgetattr(descriptor)
        tty.setcbreak(descriptor)
        asyncio.get_running_loop().add_reader(descriptor, self._on_key, descriptor)
        try:
            yield
        finally:
            asyncio.get_running_loop().remove_reader(descriptor)
            termios.tcsetattr(descriptor, termios.TCSADRAIN, former)

    def _on_key(self, descriptor: int) -> None:
        key = os.read(descriptor, 1).decode(errors="replace")
        if key == "q":
            self.ending.set()
            return
        name = KEYS.get(key)
        if name == "cut-broker" and self.factory.cable and self.factory.cable.pulled:
            name = "restore-broker"
        if name == "suspend-licence" and self.factory.lines[0].gateway in self.mischief.suspended:
            name = "reinstate-licence"
        if name == "hand-over" and self.factory.lines[0].by_hand:
            name = "take-back"
        if name is not None:
            self._work.append(asyncio.create_task(self._act_quietly(name)))

    async def _act_quietly(self, name: str) -> None:
        reply = await self._act(name)
        if not reply["ok"]:
            self.show.say(f"! {name}: {reply['error']}")

    # -- the end

    async def _finish(self) -> int:
        """Let the last records arrive, count, and say what was found."""
        self.show.say("waiting until the last records are in the register …")
        factory = self.factory
        drained = await factory.drained(DRAIN_S)
        assert factory.officer is not None
        self.show.say("counting the metal against the register …")
        counted = await audit(factory.state, factory.officer, self.show.say)
        self.show.say("closing the mass balance …")
        balance = await factory.reconcile()
        unaccounted = sum(len(order["unaccounted"]) for order in balance["orders"])
        faults = sum((line.landed for line in factory.lines), Counter(self.mischief.landed))
        findings = [f"{name} ended by itself; {where}" for name, where in factory.ended().items()]
        findings += [] if drained else ["records still wait"]
        findings += on_metal(counted, factory.lines)
        looks = self._looks(counted)
        if looks is not None:
            self.show.say(looks.said())
        if self.arguments.faults:
            spoiled = looks.pieces if looks else ()
            findings += with_faults(
                counted, factory.lines, faults, small=self._small, spoiled=spoiled
            )
        elif not self.interactive and not faults:
            findings += without_faults(counted)
        if unaccounted or not balance["balanced"]:
            findings.append(f"the mass balance does not close: {json.dumps(balance)}")
        for finding in findings:
            print(finding, file=sys.stderr)
        line = {
            "engraved": counted.engraved,
            **counted.terms(),
            "doubled": len(counted.doubled),
            "unaccounted": unaccounted,
            "faults": dict(sorted(faults.items())),
            **({"optics": looks.counts()} if looks else {}),
            "seed": self.seed,
            "seconds": round(time.monotonic() - self.started, 1),
        }
        print(json.dumps(line), flush=True)
        return FINDING if findings else GOOD

    def _looks(self, counted: Audit) -> Looks | None:
        """What a camera made of the marks that its optics spoiled, where there is one."""
        for line, site in zip(self.factory.lines, self.factory.sites, strict=True):
            if "spoil" in site.reader.simulator:
                return looked(self.factory.state, line.station, counted.places, line.traced)
        return None

    @property
    def _small(self) -> bool:
        return bool(self.arguments.parts < MANY_PARTS)

    async def _all_well_again(self) -> None:
        if self.factory.cable is not None:
            self.factory.cable.plug()
        for gateway in sorted(self.mischief.suspended):
            await self._act("reinstate-licence", gateway)


def _fitting(line: Line, waiting: list[str]) -> Fault | None:
    """The first fault that waits and can show in the next cycle."""
    for name in waiting:
        fault = FAULTS[name]()
        if not fault.needs_read or line.sample() is not None:
            waiting.remove(name)
            return fault
    return None


def _what(line: Line, cycles: int) -> str:
    return f"{'piece' if line.tray == 1 else 'tray'} {cycles}"


KEYS = {
    "h": "hand-over",
    "b": "cut-broker",
    "g": "kill-gateway",
    "i": "kill-ingest",
    "l": "garble",
    "r": "blind-reader",
    "m": "silent-marker",
    "s": "swap-part",
    "u": "suspend-licence",
}

"""One production site on real programs: simulated devices, a gateway, and the people at it.

A `Site` is enrolled at a `Centre`. Its gateway is started as `gjurma-gateway run`, or through
`gateway_with_seams` where a test kills it at an effect or moves its clock.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from gateway.store import newest_journal
from simulators.broker import free_port
from simulators.control import ask
from simulators.demo.cable import Cable
from simulators.demo.processes import Child
from simulators.part import FILE, PartStore
from tests.crash.page import LEAD, OPERATOR, Page
from tests.support.central import Centre
from tests.support.command import completed
from tests.support.wait import wait_for

Kind = Literal["panasonic-lp", "modbus-cell"]
Start = Literal["operator", "pedal"]
STATION = "line"
SPEED = "40"
CONTENT = "[)>\x1e06\x1d17VA7G3H\x1d1PM70\x1dS{serial}\x1e\x04"
PRODUCT = "crash-m70"


def seed(centre: Centre, **licence: Any) -> None:
    """A producer with a licence and a product, which the orders of all sites name."""
    centre.post("/api/v1/entities", {"code": "UMX", "name": "Uzina e provave", "ncage": "A7G3H"})
    centre.add_licence("L-X", "UMX", **licence)
    centre.add_product(PRODUCT, "UMX", CONTENT, model="M70", serial="K")


@dataclass
class Site:
    """A gateway with one station. `folder` holds all that is its own, `parts` the metal."""

    centre: Centre
    gateway: str
    kind: Kind = "panasonic-lp"
    start: Start = "operator"
    tray: int = 1
    """How many pieces lie there at a time, each with a reader of its own."""
    within: Path | None = None
    """Where `folder` is made; by default where temporary folders are."""
    cabled: bool = False
    """Whether it reaches the broker by a `cable` that can be pulled."""
    folder: Path = field(init=False)
    parts: PartStore = field(init=False)
    page: Page = field(init=False)
    broker_url: str = field(init=False)
    cable: "Plug" = field(init=False)
    journal_folder: Path = field(init=False)
    options: dict[str, Any] = field(default_factory=dict)
    """Over the configuration's own sections: `{"clock": {"trust_hardware": True}}`."""
    small_disk: "SmallDisk | None" = None
    """Where the journal lies, in place of the site's own folder."""
    agent: Child = field(init=False)
    """The gateway's process."""
    devices: dict[str, Child] = field(default_factory=dict)
    """The marker's process and the readers'."""

    def __post_init__(self) -> None:
        # A short path: it holds Unix sockets.
        self.folder = Path(tempfile.mkdtemp(prefix="gjurma-site-", dir=self.within))
        self.parts = PartStore(self.folder / FILE)
        self.port = free_port()
        self.page = Page(f"http://127.0.0.1:{self.port}", STATION)
        self.broker_url = self.centre.broker.url
        if self.cabled:
            self.cable = Plug(self.centre.broker.port)
            self.broker_url = self.cable.through(self.broker_url)
        self.journal_folder = self.folder / "journal"
        self.agent = self.centre.child(self.gateway, "gateway", log=self.folder / "agent.log")

    # -- from nothing to a line that may mark

    @classmethod
    @contextlib.contextmanager
    def enrolled(
        cls,
        centre: Centre,
        gateway: str,
        kind: Kind = "panasonic-lp",
        start: Start = "operator",
        *,
        cabled: bool = False,
        disk: int = 0,
        **order: Any,
    ) -> Iterator["Site"]:
        """A site that is prepared; `disk` is the size in bytes of a small one for its journal."""
        with contextlib.closing(cls(centre, gateway, kind, start, cabled=cabled)) as site:
            site.small_disk = SmallDisk(site.journal_folder, disk) if disk else None
            site.prepare(**order)
            yield site

    def prepare(self, **order: Any) -> None:
        """Start the devices, release an order, enter its people, open the first epoch."""
        self.start_devices()
        self.configure()
        self.order(**order)
        self.enrol("new")

    def lose_guard(self) -> None:
        """Delete the guard's files; their folder stays."""
        for file in self.guard.parent.glob(f"{self.guard.name}*"):
            file.unlink()

    @contextlib.contextmanager
    def cloned(self) -> Iterator["Site"]:
        """A line with devices of its own and a copy of this stopped gateway's folder."""
        with contextlib.closing(Site(self.centre, self.gateway, within=self.within)) as twin:
            twin.start_devices()
            no_socket = shutil.ignore_patterns("*.sock")
            shutil.copytree(self.journal_folder, twin.journal_folder, ignore=no_socket)
            shutil.copytree(self.guard.parent, twin.guard.parent)
            twin.configure()
            yield twin

    def close(self) -> None:
        self.end()
        shutil.rmtree(self.folder)

    def end(self) -> None:
        """End all its processes; the folder stays."""
        self.kill()
        for device in self.devices.values():
            device.stop()
        self.page.close()
        self.parts.close()
        if self.cabled:
            self.cable.close()
        if self.small_disk is not None:
            self.small_disk.close()

    @property
    def readers(self) -> tuple[str, ...]:
        """The readers' names, from place 1 on."""
        if self.tray == 1:
            return ("reader",)
        return tuple(f"reader-{place}" for place in range(1, self.tray + 1))

    def start_devices(self) -> None:
        for role in ("marker", *self.readers):
            self.devices[role] = self._device(role)
            self.devices[role].start()
        for device in self.devices.values():
            device.wait_first_line()

    def restart_device(self, role: str) -> None:
        """Start a device that has ended; it comes back where it was."""
        self.devices[role].start()
        self.devices[role].wait_first_line()

    def _device(self, role: str) -> Child:
        kind = self.kind if role == "marker" else "zebra-ssi"
        if kind == "modbus-cell":
            wire = f"tcp://127.0.0.1:{free_port()}"
            options = [f"memory={self.folder / 'cell.json'}"]
        else:
            wire = f"serial://{self.folder / role}"
            options = {
                "panasonic-lp": ["lines=1", "checksum=on"],
                "zebra-ssi": ["decode_seconds=0.05", "response_timeout=0.5"],
            }[kind]
            if self.tray > 1:
                options.append(f"position={self.readers.index(role) + 1}")
        return self.centre.child(
            role,
            *("simulators", "device", kind, "--listen", wire),
            *("--state", str(self.folder), "--station", STATION, "--speed", SPEED),
            *("--control", str(self.folder / f"{role}.ctl")),
            *(word for option in options for word in ("--option", option)),
            log=self.folder / f"{role}.log",
            reads_first_line=True,
        )

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"

    @property
    def guard(self) -> Path:
        return self.folder / "guard" / "guard"

    def configure(self) -> None:
        """Write the configuration file; again after something in it has changed."""
        pedal = self.start == "pedal"
        if self.kind == "panasonic-lp":
            marker: dict[str, Any] = {
                "checksum": True,
                "lines": 1,
                "own_input": pedal,
                "text_wait_seconds": 0.05,
                "mark_seconds": 2,
                "reply_seconds": 0.5,
            }
        else:
            marker = {"start": "input" if pedal else "command"}
        sections: dict[str, dict[str, Any]] = {
            "guard": {"path": str(self.guard), "same_disk": True},
            "broker": {"url": self.broker_url, **self.centre.admit(self.gateway)},
            "central": {"url": self.centre.url},
            "uplink": {"resend_after_s": 1, "backoff_max_s": 2, "start_grace_s": 5},
            "screen": {"listen": f"127.0.0.1:{self.port}"},
            "clock": {},
        }
        for name, changes in self.options.items():
            sections[name] |= changes
        lines = [f'gateway = "{self.gateway}"', f"journal = {_toml(str(self.journal_folder))}"]
        for name, values in sections.items():
            lines += [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in values.items())]
        lines += [
            "[[station]]",
            f'name = "{STATION}"',
            f'start = "{self.start}"',
            "look_s = 0.2",
            "read_s = 0.4",
            "mark_timeout_s = 5",
            "arm_timeout_s = 20",
            "[station.marker]",
            f'kind = "{self.kind}"',
            f'url = "{self.devices["marker"].first_line}"',
            "[station.marker.options]",
            *(f"{key} = {_toml(value)}" for key, value in marker.items()),
        ]
        for role in self.readers:
            lines += [
                "[[station.reader]]",
                'kind = "zebra-ssi"',
                f'url = "{self.devices[role].first_line}"',
                "options = { response_timeout = 0.5, linger = 0.02, resend_seconds = 0.1 }",
            ]
        self.config.write_text("\n".join(lines) + "\n")

    @property
    def order_code(self) -> str:
        return f"X-{self.gateway}"

    def order(self, quantity: int = 100_000, **more: Any) -> None:
        """An order for this gateway, and its people."""
        self.centre.post("/api/v1/invitations", {"gateway": self.gateway})  # makes it known
        self.centre.release_order(
            {
                "code": self.order_code,
                "product": PRODUCT,
                "quantity": quantity,
                "gateways": [self.gateway],
                "job": "1",
                **more,
            },
        )
        for person in (OPERATOR, LEAD):
            self.centre.post("/api/v1/people", {**asdict(person), "gateway": self.gateway})

    def enrol(self, reason: str) -> None:
        """`invite` at the register, `enroll` here: a new epoch."""
        code = self.centre.invite(self.gateway)
        done = self.command(
            "enroll", "--config", str(self.config), "--code", code, "--reason", reason
        )
        assert done.returncode == 0, done.stderr

    # -- its programs

    @property
    def journals(self) -> Path:
        """The folder of the journals as this process sees it."""
        return self.small_disk.seen if self.small_disk else self.journal_folder

    @property
    def journal(self) -> Path:
        """The newest epoch's journal."""
        found = newest_journal(self.journals)
        assert found is not None
        return found

    def readable_journals(self) -> list[Path]:
        """The journals, oldest first; copies of them where they lie on a disk of their own."""
        paths = sorted(self.journals.glob("epoch-*.db"))
        if self.small_disk is None:
            return paths
        copies = Path(tempfile.mkdtemp(dir=self.folder))
        for path in paths:
            inside = str(self.journal_folder / path.name)
            done = self.command("journal", "export", "--journal", inside, str(copies / path.name))
            assert done.returncode == 0, done.stderr
        return sorted(copies.iterdir())

    @property
    def log(self) -> str:
        return self.agent.logged

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """A command of gjurma-gateway, to its end."""
        return completed(*self._where, sys.executable, "-m", "gateway", *arguments)

    def verify(self) -> dict[str, Any]:
        """`journal verify --json`, whose exit code agrees with what it says."""
        journal = self.journal_folder / self.journal.name
        done = self.command("journal", "verify", "--json", str(journal))
        report: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (0 if report["good"] else 1)
        return report

    @property
    def _where(self) -> list[str]:
        return self.small_disk.inside if self.small_disk else []

    def run(self, *, kill: str = "", clock: Path | None = None) -> None:
        """Start the gateway, and wait for its page unless it is killed while it recovers."""
        self.launch(kill=kill, clock=clock)
        if "recovery" not in kill:
            self.agent.wait_until(self.page.answers)

    def launch(self, *, kill: str = "", clock: Path | None = None) -> None:
        """Start the gateway, and do not wait."""
        assert self.agent.pid is None
        command = ["gateway", "run", "--config", str(self.config)]
        if kill or clock is not None:
            command[:2] = ["tests.crash.gateway_with_seams"]
            command += ["--kill", kill] if kill else []
            command += ["--clock", str(clock)] if clock is not None else []
        self.agent.command = [*self._where, sys.executable, "-m", *command]
        self.agent.start()

    def kill(self) -> None:
        """SIGKILL, as a cable pulled from the wall; nothing when it does not run."""
        self.agent.kill()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self.agent.end()

    def died(self) -> bool:
        """Whether its own SIGKILL has ended it."""
        if self.agent.pid is not None:
            return False
        assert self.agent.wait() == -signal.SIGKILL, self.log
        return True

    # -- what people do

    def at_device(self, role: str, **request: Any) -> dict[str, Any]:
        """Ask a device by its back door."""
        reply = asyncio.run(ask(self.folder / f"{role}.ctl", request))
        assert reply["ok"], reply
        return reply

    @property
    def armed(self) -> bool:
        """Whether the device would fire on its own input, by its own word."""
        state = self.at_device("marker", op="state")["state"]
        return bool(state["ready" if self.kind == "panasonic-lp" else "armed"])

    def press_pedal(self) -> bool:
        """Press it if the device is armed."""
        if self.armed:
            self.at_device("marker", op="pedal")
            return True
        return False

    def carried(self) -> list[str]:
        """The legible lines on the piece that lies there."""
        return [line for each in self.parts.seen(STATION) for line in each.lines]

    def begin(self) -> int:
        self.page.wait_permitted()
        return self.page.begin()

    def mark(self) -> dict[str, Any]:
        """Lay a blank piece unless one lies there, see it through; the view at the end."""
        if self.parts.present(STATION) is None or self.parts.seen(STATION):
            self.parts.load(STATION)
        cycle = self.begin()
        if self.start == "pedal":
            wait_for("the device to be armed", self.press_pedal)
        return self.page.wait_rest(cycle=cycle)

    def mark_good(self) -> str:
        """One good part; returns its legible number."""
        view = self.mark()
        assert (view["phase"], view["note"]["code"]) == ("idle", "good"), view
        (line,) = self.carried()
        assert view["parts"][0]["text"] == line
        return line

    def see_to(self) -> list[str]:
        """After a stop: do what the page asks for until the station is idle; what was done."""
        done: list[str] = []
        while True:
            view = self.page.wait_rest()
            phase = view["phase"]
            if phase == "idle":
                return done
            assert len(done) < 6, (done, view)
            if phase == "set-aside":
                self.page.press("acknowledge")
                done.append("acknowledge")
            elif phase == "read-blocked":
                self.page.press("read-again")
                done.append("read-again")
            else:
                assert phase == "unknown"
                how = "accepted" if self.carried() else "voided"
                assert how == "voided" or self.carried() == view["current"]["text"]
                self.page.settle(how, "what the piece shows")
                done.append(how)
            if phase != "read-blocked":
                self.page.wait_rest(past=phase)

    def wait_delivered(self) -> None:
        """Until the register has confirmed every record."""

        def delivered() -> bool:
            link = self.page.snapshot()["link"]
            return bool(link["connected"]) and link["waiting"] == 0

        wait_for(f"{self.gateway} delivered", delivered, 60)


FILES = 64


class SmallDisk:
    """A few megabytes of memory as a disk, in a mount namespace of its own.

    It needs no root where the kernel lets a user have namespaces, and is gone with its keeper.
    """

    def __init__(self, folder: Path, size: int) -> None:
        folder.mkdir()
        as_root = os.geteuid() == 0
        command = ["unshare", "--mount", *([] if as_root else ["--user", "--map-root-user"])]
        options = f"size={size},nr_inodes={FILES}"
        mount = f'mount -t tmpfs -o {options} tmpfs "$1" && echo mounted && exec sleep infinity'
        self._keeper = subprocess.Popen(
            [*command, "sh", "-c", mount, "sh", str(folder)], stdout=subprocess.PIPE
        )
        assert self._keeper.stdout is not None
        assert self._keeper.stdout.readline() == b"mounted\n", "no mount namespace for this user"
        self.seen = Path(f"/proc/{self._keeper.pid}/root{folder}")
        """The folder as this process sees it."""
        user = [] if as_root else ["--user", "--preserve-credentials"]
        self.inside = ["nsenter", "--target", str(self._keeper.pid), "--mount", *user]
        """What to put before a command that is to see it under its own path."""

    @property
    def free(self) -> int:
        space = os.statvfs(self.seen)
        return space.f_bavail * space.f_frsize

    @property
    def full(self) -> bool:
        """Whether `fill` has been called, and `make_room` not yet."""
        return (self.seen / "ballast").exists()

    def fill(self) -> None:
        """Not a byte is left, also when somebody else writes at this moment."""
        descriptor = os.open(self.seen / "ballast", os.O_WRONLY | os.O_CREAT)
        try:
            while free := self.free:
                with contextlib.suppress(OSError):  # taken since it was asked
                    os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, free)
        finally:
            os.close(descriptor)

    def make_room(self) -> None:
        (self.seen / "ballast").unlink()

    def fill_with_names(self) -> None:
        """Not one more file can be made; those that are there can grow."""
        names = self.seen / "names"
        names.mkdir()
        with contextlib.suppress(OSError):
            for number in range(FILES):
                (names / str(number)).touch()

    def make_room_for_names(self) -> None:
        shutil.rmtree(self.seen / "names")

    def close(self) -> None:
        self._keeper.kill()
        self._keeper.wait(30)
        assert self._keeper.stdout is not None
        self._keeper.stdout.close()


class Plug:
    """The cable between one gateway and the broker: it can be pulled."""

    def __init__(self, broker_port: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._cable = Cable(broker_port)
        self._do(self._cable.start())

    def through(self, url: str) -> str:
        """The broker's address by this cable."""
        return f"{url.rpartition(':')[0]}:{self._cable.port}"

    def pull(self) -> None:
        self._do(self._act(self._cable.pull))

    def plug(self) -> None:
        self._do(self._act(self._cable.plug))

    def close(self) -> None:
        self._do(self._cable.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    @staticmethod
    async def _act(act: Callable[[], None]) -> None:
        act()


def _toml(value: Any) -> str:
    return json.dumps(value)

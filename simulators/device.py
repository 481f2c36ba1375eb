"""`gjurma-sim device`: one simulated device on a pseudo-terminal or a TCP port, until stopped."""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from simulators.control import Control, Device
from simulators.faults import Faults
from simulators.part import FILE, PartStore
from simulators.pipe import ONLY_ONE

Build = Callable[[dict[str, str], PartStore, str, float], Device]
"""`build(options, parts, station, speed)`; raises ValueError for options it does not know."""

_CLEAR = 0.9
"""How well what `--part` lays there can be read."""

FAMILIES = {
    "camera": "simulators.camera",
    "cognex-dmcc": "simulators.cognex_dmcc",
    "gravotech-tl07": "simulators.gravotech_tl07",
    "honeywell": "simulators.honeywell",
    "keyence-md": "simulators.keyence_md",
    "keyence-sr": "simulators.keyence_sr",
    "microscan": "simulators.microscan",
    "modbus-cell": "simulators.modbus_cell",
    "panasonic-lp": "simulators.panasonic_lp",
    "telesis": "simulators.telesis",
    "zebra-ssi": "simulators.zebra_ssi",
    "zebra-zpl": "simulators.zebra_zpl",
}


def build(
    kind: str, options: dict[str, str], parts: PartStore, station: str, speed: float
) -> Device:
    """The device of that kind, not yet on a wire. Raises ValueError for wrong options."""
    make: Build = import_module(FAMILIES[kind]).build
    try:
        return make(options, parts, station, speed)
    except ValueError as fault:
        given = ", ".join(f"{name}={value}" for name, value in options.items())
        raise ValueError(f"--option {given}: {fault}" if given else str(fault)) from fault


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("device", help="one simulated device, until it is stopped")
    command.add_argument("kind", choices=sorted(FAMILIES))
    command.add_argument(
        "--listen",
        required=True,
        metavar="WIRE",
        help="serial, serial:///path/of/link or tcp://host:port (port 0: any);"
        " of a camera http://host:port or folder:///path",
    )
    command.add_argument("--state", type=Path, metavar="DIR", help="where parts.db lies")
    command.add_argument("--station", default="bench", help="where the piece lies (%(default)s)")
    command.add_argument(
        "--only-one",
        action="store_true",
        help="refuse a second connection while there is one, as a Moxa NPort does (tcp:// only)",
    )
    command.add_argument(
        "--part",
        nargs="*",
        metavar="CONTENT",
        help="lay a new piece there first, with each content on a position of its own; "
        "a blank one without",
    )
    command.add_argument(
        "--fault",
        action="append",
        default=[],
        type=_fault,
        metavar="NAME[=COUNT][,K=V...]",
        help="do wrong from the start: of the wire, or of the device (COUNT: a number or always; "
        "K of the wire: direction, after, seconds); may be repeated",
    )
    command.add_argument("--control", type=Path, metavar="PATH", help="Unix socket to steer it by")
    command.add_argument("--speed", type=_speed, default=1.0, help="times faster than the real one")
    command.add_argument(
        "--option",
        action="append",
        default=[],
        type=_option,
        metavar="K=V",
        help="an option of the family; may be repeated",
    )
    command.set_defaults(run=_run)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not 0 < speed <= 1000:
        raise argparse.ArgumentTypeError("more than 0, at most 1000")
    return speed


def _fault(text: str) -> dict[str, Any]:
    """A request to the back door, as `split=3,seconds=0.1` writes it."""
    head, *more = text.split(",")
    name, equals, count = head.partition("=")
    request: dict[str, Any] = {"name": name}
    if equals:
        request["count"] = sys.maxsize if count == "always" else _number(count)
    for each in more:
        key, value = _option(each)
        request[key] = value if key == "direction" else _number(value)
    return request


def _number(text: str) -> int | float:
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form name=value")
    return name, value


def _run(arguments: argparse.Namespace) -> int:
    with contextlib.ExitStack() as stack:
        state = arguments.state
        if state is None:
            state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gjurma-sim-")))
        try:
            parts = PartStore(state / FILE)
        except OSError as fault:
            print(f"gjurma-sim device: --state {state}: {fault.strerror}", file=sys.stderr)
            return 2
        stack.callback(parts.close)
        if arguments.part is not None:
            parts.load(arguments.station)
            for position, content in enumerate(arguments.part, start=1):
                parts.engrave(arguments.station, position, content, (), _CLEAR, "by hand")
        try:
            return asyncio.run(_serve(arguments, parts))
        except (ValueError, OSError) as fault:
            print(f"gjurma-sim device: {fault}", file=sys.stderr)
            return 2


async def _serve(arguments: argparse.Namespace, parts: PartStore) -> int:
    device = build(
        arguments.kind, dict(arguments.option), parts, arguments.station, arguments.speed
    )
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ending.set)
    faults = Faults()
    control = Control(device, faults)
    for request in arguments.fault:
        try:
            control.arm(request)
        except TypeError as fault:  # a key that this fault does not take
            raise ValueError(f"--fault {request['name']}: {fault}") from fault
    only_one = f"?{ONLY_ONE}" if arguments.only_one else ""
    url = await device.start(arguments.listen + only_one, faults)
    waits = [asyncio.create_task(ending.wait()), asyncio.create_task(device.broken())]
    try:
        if arguments.control is not None:
            await control.start(arguments.control)
        print(url, flush=True)
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        await control.stop()
        await device.stop()
    return 0

"""Asks a device what it is, and can do nothing else with it.

What is asked here is an `Asked`: of a marker or a reader it has `connect`, `identify`, `status` and
`close`, and nothing that selects, arms, fires or disarms.

A wire of which nobody says what is at its end is listened to, and nothing is sent on it: a marker
may take any line as a text to engrave, as from a hand-held scanner, and begin with it. Only where a
person says that nothing there can mark are the readers asked, one kind after the other, and only
those whose driver says that its questions set and trigger nothing on a reader of another make
(`Kind.strangers`). First come those whose questions are lines, since a line that is not understood
is over with its end; then those whose questions have none, what is left of which could spoil the
next line.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TextIO

from drivers import catalog
from drivers.address import SCHEMES
from drivers.catalog import Kind
from drivers.diagnosis import diagnosed, shown
from drivers.errors import (
    DeviceError,
    DeviceFault,
    DeviceRefused,
    LinkClosed,
    LinkTimeout,
    NotTrusted,
    PortBusy,
    PortDenied,
    ProtocolError,
)
from drivers.options import given
from drivers.protocols import CodeReader, Identity, Marker, MarkerStatus
from drivers.trace import Seen, printable, watching
from drivers.transport import check_files, open_stream
from gateway.agent import build_device, build_marker, build_readers
from gateway.config import DeviceConfig, GatewayConfig
from gateway.contract.errors import ConfigError

LISTEN_SECONDS = 2.0
NO_LINE_END = ("microscan", "zebra-ssi")
"""Kinds whose questions end no line."""
RECONNECTS, RECONNECT_SECONDS = 10, 0.3
_UNUSABLE = (LinkClosed, NotTrusted, PortBusy, PortDenied)
"""The wire itself does not work, whatever kind is tried."""


@dataclass(frozen=True)
class Asked:
    """All that a device is given away for here."""

    connect: Callable[[], Awaitable[None]]
    identify: Callable[[], Awaitable[Identity]]
    close: Callable[[], Awaitable[None]]
    status: Callable[[], Awaitable[MarkerStatus]] | None = None
    """Of markers alone."""


def asked(device: Marker | CodeReader) -> Asked:
    if hasattr(device, "shut"):
        return Asked(device.connect, device.identify, device.shut)
    return Asked(device.connect, device.identify, device.close, device.status)


async def probe_all(config: GatewayConfig, say: TextIO, octets: bool) -> bool:
    """Every device of the configuration. Whether all answered."""
    good = True
    for station in config.station:
        marker, readers = build_marker(station), build_readers(station)
        devices: list[Marker | CodeReader] = [*([marker] if marker else []), *readers]
        for (name, device), built in zip(station.named_devices, devices, strict=True):
            kind = catalog.find(device.kind)
            seen = Octets(say, kind) if octets else None
            with watching(*([seen] if seen else [])):
                good &= await _ask(asked(built), name, kind, device, say, seen)
    return good


async def probe(
    name: str, url: str, options: Iterable[tuple[str, str]], say: TextIO, octets: bool
) -> bool:
    """One device of a kind that is told. Whether it answered. Raises ConfigError."""
    try:
        kind = catalog.find(name)
    except LookupError as fault:
        raise ConfigError(f"kind: {fault}") from fault
    try:
        device = DeviceConfig(kind=name, url=url, options=given(kind.options, options))
        if not kind.wires or _scheme(url) in SCHEMES:
            check_files(url)
    except ValueError as fault:
        raise ConfigError(str(fault)) from fault
    built = build_device(device, kind.role, kind.name)
    seen = Octets(say, kind) if octets else None
    with watching(*([seen] if seen else [])):
        return await _ask(asked(built), device.url, kind, device, say, seen)


async def listen(url: str, say: TextIO, octets: bool, seconds: float = LISTEN_SECONDS) -> None:
    """What comes by itself, with nothing sent. Raises ConfigError."""
    _checked(url)
    heard = b""
    with watching(*([Octets(say)] if octets else [])):
        try:
            stream = await open_stream(url, "probe")
        except DeviceError as fault:
            print(f"{fault.code}: {fault}", file=say)
            return
        try:
            async with asyncio.timeout(seconds):
                while True:
                    heard += await stream.read()
        except TimeoutError:
            pass
        except LinkClosed as fault:
            print(f"{fault.code}: {fault}", file=say)
        finally:
            await stream.close()
    told = f"{len(heard)} bytes came by themselves: {shown(heard)}" if heard else "nothing came"
    there = [kind for kind in catalog.kinds() if not kind.wires or _scheme(url) in kind.wires]
    markers = ", ".join(kind.name for kind in there if kind.role == "marker")
    readers = ", ".join(kind.name for kind in there if kind.role == "reader")
    print(
        f"{url}: {told} in {seconds:g} s; nothing was sent, for a marker may begin with any line\n"
        f"say what it is: --kind {readers}, {markers}\n"
        "or --only-readers, where nothing that marks can be on that wire",
        file=say,
    )


async def guess(url: str, say: TextIO, octets: bool) -> str | None:
    """Which kind of reader answers there; None where none does. Raises ConfigError."""
    _checked(url)
    tries = 1
    for kind in in_order(catalog.kinds()):
        for options in kind.strangers:
            config = DeviceConfig(kind=kind.name, url=url, options=dict(options))
            device = asked(build_device(config, kind.role, kind.name))
            with watching(*([Octets(say, kind)] if octets else [])):
                try:
                    await _connect(device, tries)
                    told = _who(await device.identify())
                except (DeviceRefused, DeviceFault) as refusal:
                    told = f"it answers, and refuses: {refusal.detail}"
                except DeviceError as fault:
                    print(f"{fault.code}: {fault}", file=say)
                    if tries == 1 and isinstance(fault, _UNUSABLE):
                        return None
                    tries = RECONNECTS
                    continue
                finally:
                    await device.close()
            print(f"{url}: {kind.name}: {told}", file=say)
            return kind.name
    print(f"{url}: no reader of a kind that may be tried answers", file=say)
    return None


async def _connect(device: Asked, tries: int) -> None:
    """A serial server with one connection refuses the next until it has seen the last one end."""
    for left in reversed(range(tries)):
        try:
            await device.connect()
        except LinkClosed:
            if not left:
                raise
            await asyncio.sleep(RECONNECT_SECONDS)
        else:
            return


def in_order(kinds: list[Kind]) -> list[Kind]:
    """Those that may be tried on a reader of another make, lines first."""
    tried = [kind for kind in kinds if kind.strangers]
    return sorted(tried, key=lambda kind: (kind.name in NO_LINE_END, kind.name))


async def _ask(
    device: Asked,
    name: str,
    kind: Kind,
    config: DeviceConfig,
    say: TextIO,
    octets: "Octets | None",
) -> bool:
    """Ask one device, and say of what answers wrongly what it looks like."""
    sent: list[bytes] = []
    received = bytearray()

    def note(seen: Seen) -> None:
        if seen.way == "sent":
            sent.append(seen.data)
        elif seen.way == "received":
            received.extend(seen.data)

    def tell(what: str) -> None:
        if octets is not None:
            octets.release()
        print(f"{name}: {what}", file=say)

    with watching(note):
        try:
            await device.connect()
            tell(_who(await device.identify()) or f"answers as {kind.name}")
            if device.status is not None:
                status = await device.status()
                alarm = f", {status.alarm}" if status.alarm else ""
                tell(f"{status.activity.value}{alarm}")
        except DeviceError as error:
            tell(f"{error.code}: {error}")
            if isinstance(error, LinkTimeout | ProtocolError):
                options = kind.options.model_validate(config.options)
                tell(f"came: {shown(bytes(received)) if received else 'nothing'}")
                hints = diagnosed(kind, config.url, options, sent, bytes(received))
                for hint in hints:
                    tell(f"looks like: {hint}")
                if not hints:
                    tell(
                        f"is it on, is it a {kind.name}, and do URL and options say how it is set?"
                        f" `gjurma-gateway drivers {kind.name}` lists them"
                    )
            return False
        finally:
            await device.close()
        return True


def _who(found: Identity) -> str:
    return " ".join(part for part in (found.maker, found.model, found.version) if part)


def _scheme(url: str) -> str:
    return url.partition("://")[0]


def _checked(url: str) -> None:
    """That it is a stream of bytes. Raises ConfigError."""
    own = [kind.name for kind in catalog.kinds() if kind.wires and _scheme(url) in kind.wires]
    if own and _scheme(url) not in SCHEMES:
        raise ConfigError(f"{url!r}: no stream of bytes; say --kind {' or '.join(own)}")
    try:
        check_files(url)
    except ValueError as fault:
        raise ConfigError(str(fault)) from fault


class Octets:
    """Shows a wire's bytes as they go, `>` to the device and `<` from it, with what they mean.

    What comes in pieces is shown as one, when it means something or the direction changes.
    """

    def __init__(self, say: TextIO = sys.stdout, kind: Kind | None = None) -> None:
        self._say = say
        self._explain = kind.explain if kind is not None else None
        self._held = b""

    def __call__(self, seen: Seen) -> None:
        if seen.way == "received":
            self._held += seen.data
            if self._meaning(self._held, sent=False):
                self.release()
            return
        self.release()
        if seen.way == "sent":
            self._show(">", seen.data, self._meaning(seen.data, sent=True))

    def release(self) -> None:
        """Show what was received and may have been the beginning of more."""
        held, self._held = self._held, b""
        self._show("<", held, self._meaning(held, sent=False))

    def _meaning(self, data: bytes, *, sent: bool) -> str:
        return self._explain(data, sent) if self._explain is not None else ""

    def _show(self, mark: str, data: bytes, meaning: str) -> None:
        for at in range(0, len(data), 16):
            row = data[at : at + 16]
            last = meaning if at + 16 >= len(data) else ""
            text = printable(row)
            print(f"{mark} {row.hex(' '):<47}  {text:<16}  {last}".rstrip(), file=self._say)

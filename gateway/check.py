"""`gjurma-gateway check`: everything that can be found wrong without connecting, all at once."""

from collections.abc import Iterator
from pathlib import Path

from drivers.protocols import Marker, MarkText
from drivers.transport import SerialTarget, Target, check_files, parse_url
from gateway.agent import build_marker, build_reader
from gateway.config import GatewayConfig, StationConfig, line_of
from gateway.contract.errors import ConfigError, ContractError, JournalError
from gateway.contract.plan import Component, Plan, PlanOrder
from gateway.contract.uii import UiiError
from gateway.identity import Identity, KeyDamaged, stored_plan
from gateway.store import newest_journal, open_journal

Found = tuple[tuple[str | int, ...], str]
"""Where it is written, and what is wrong there."""


def check(config: GatewayConfig, text: str) -> list[str]:
    """Every finding as `line: what is wrong and what would be right`; `text` is the file's."""
    found: list[Found] = [*_guard(config), *_listening(config)]
    for index, station in enumerate(config.station):
        found += [(("station", index, *where), finding) for where, finding in _station(station)]
    found += _wires(config)
    plan, fault = _stored_plan(config)
    if fault:
        found.append(((), fault))
    if plan is not None:
        found += _components(config, plan)
        for order in plan.orders:
            found += _order(config, order, plan)
    return [f"{line_of(text, where)}: {finding}" for where, finding in found]


def _guard(config: GatewayConfig) -> list[Found]:
    if config.guard.same_disk:
        return []
    journal, guard = _existing(config.journal), _existing(config.guard.path.parent)
    if journal.stat().st_dev == guard.stat().st_dev:
        where = f"guard.path: {config.guard.path} lies on the journal's disk"
        remedy = "put it on another medium, or write same_disk = true for a trial"
        return [(("guard", "path"), f"{where}, and a lost disk takes both; {remedy}")]
    return []


def _listening(config: GatewayConfig) -> list[Found]:
    if config.screen.host in ("127.0.0.1", "localhost", "::1"):
        return []
    where = f"screen.listen: {config.screen.listen} is open to the network"
    return [(("screen", "listen"), f"{where}; write 127.0.0.1 and put a proxy with TLS before it")]


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    while not path.exists():
        path = path.parent
    return path


def _station(station: StationConfig) -> list[Found]:
    findings: list[Found] = []
    try:
        marker = build_marker(station)
    except ConfigError as error:
        findings += _where(error, ("marker",))
    else:
        findings += _start(station, marker) if marker else []
    for index, (name, device) in enumerate(station.named_readers):
        try:
            build_reader(name, device)
        except ConfigError as error:
            findings += _where(error, ("reader", index))
    return findings


def _wires(config: GatewayConfig) -> Iterator[Found]:
    """A wire that two devices name, and files of a wire that are missing."""
    taken: dict[object, tuple[str, str]] = {}
    for index, station in enumerate(config.station):
        places: list[tuple[str | int, ...]] = [("marker",)] if station.marker else []
        places += [("reader", number) for number in range(len(station.reader))]
        for place, (name, device) in zip(places, station.named_devices, strict=True):
            where = ("station", index, *place, "url")
            try:
                target = parse_url(device.url)
                check_files(device.url)
            except ValueError as fault:
                if device.url.startswith("tls://"):
                    yield where, f"{name}: url: {fault}"
                continue
            # A serial server that speaks Modbus has several cells behind one port.
            owner, kind = taken.setdefault(_port(target), (name, device.kind))
            if owner != name and (kind != device.kind or isinstance(target, SerialTarget)):
                why = f"{name}: url: {device.url} is the wire of {owner} already"
                yield where, f"{why}; a wire has one device: correct one of the two"


def _port(target: Target) -> object:
    """What two URLs of one port have in common, however its line is set in each."""
    if isinstance(target, SerialTarget):
        return target.usb or Path(target.path).resolve()
    return target.host.lower(), target.port


def _start(station: StationConfig, marker: Marker) -> list[Found]:
    """Whether what fires at this station is what the marker can be armed for."""
    assert station.marker is not None
    name, kind = station.name, station.marker.kind
    if station.by_input and not marker.single_shot:
        why = (
            f'{name}: start = "{station.start}" needs a marker that can be armed for one shot; '
            f"{kind} cannot"
        )
        return [(("start",), f'{why}; write start = "operator"')]
    wanted = "input" if station.by_input else "command"
    if wanted not in marker.starts:
        fires = " or ".join(sorted(marker.starts))
        why = f'{name}: start = "{station.start}", but its marker is set to be fired by {fires}'
        return [(("marker", "options"), f'{why}; set the driver\'s options for "{wanted}"')]
    return []


def _where(error: ConfigError, device: tuple[str | int, ...]) -> list[Found]:
    """A driver's faults, each at the key that it names."""
    return [
        ((*device, fault.split(": ")[1].partition(".")[0]), fault)
        for fault in str(error).splitlines()
    ]


def _stored_plan(config: GatewayConfig) -> tuple[Plan | None, str]:
    path = newest_journal(config.journal)
    if path is None:
        return None, ""
    try:
        identity = Identity.load(path)
        journal = open_journal(path, writable=False)
        try:
            return stored_plan(journal, identity), ""
        finally:
            journal.close()
    except (KeyDamaged, JournalError, ContractError) as error:
        return None, f"{error.code}: {error}"


def _components(config: GatewayConfig, plan: Plan) -> Iterator[Found]:
    """Pieces that a station is to mark, and that no order has."""
    known = {component.name for order in plan.orders for component in order.components}
    for index, station in enumerate(config.station):
        strange = [name for name in station.components if name not in known]
        if strange and plan.orders:
            has = ", ".join(sorted(known))
            why = f"{station.name}: no order has {', '.join(strange)}; its orders have {has}"
            yield ("station", index, "components"), why


def _order(config: GatewayConfig, order: PlanOrder, plan: Plan) -> Iterator[Found]:
    """Why no station here can mark a piece of the order; nothing where one can."""
    if plan.blocks and (why := _not_one_item(order)):
        yield (), f"order {order.id}: {why}"
    for component in order.components:
        if order.marks is not None and component.name not in order.marks:
            continue
        reasons: list[Found] = []
        for index, station in enumerate(config.station):
            if station.components and component.name not in station.components:
                continue
            try:
                marker = build_marker(station)
            except ConfigError:
                continue
            if marker is None:
                continue
            why = _why_not(station, marker, order, component, plan)
            if why is None:
                break
            reasons.append((("station", index), f"{station.name}: order {order.id} {why}"))
        else:
            yield from reasons
            if reasons:
                return


def _not_one_item(order: PlanOrder) -> str | None:
    """Why the pieces of one number would be several items; None where they are one."""
    try:
        named = {order.item(1, component).uii for component in order.components}
    except UiiError:
        return None  # told with the station that would mark it
    if len(named) > 1:
        return "its template gives the pieces of one number several UIIs; it is for the registry"
    return None


def _why_not(
    station: StationConfig, marker: Marker, order: PlanOrder, component: Component, plan: Plan
) -> str | None:
    """Why this station cannot mark that piece, to the last number; None if it can."""
    tray, readers = order.tray or 1, len(station.reader)
    if readers < tray and order.verify.mode in ("each", "sample"):
        what = f"is read back in trays of {tray}" if tray > 1 else "is read back"
        return (
            f"{what}, and there {'is' if readers == 1 else 'are'} {readers or 'no'} "
            f"reader{'' if readers == 1 else 's'}; write one [[station.reader]] a position"
        )
    for block in plan.blocks:
        if block.order != order.id:
            continue
        content, lines = order.content(block.end, component), order.lines(block.end, component)
        try:
            order.item(block.end, component)
        except UiiError as error:
            return f"cannot be marked: its template gives no UII: {error}"
        for position in range(1, tray + 1):
            refusal = marker.refuses(MarkText(position, content, lines))
            if refusal is not None:
                return f"cannot be engraved here: {refusal}"
    return None

"""`gjurma-gateway check`: everything that can be found wrong without connecting, all at once."""

from pathlib import Path

from drivers.protocols import Marker, MarkText
from gateway.agent import build_marker, build_readers
from gateway.config import GatewayConfig, StationConfig, line_of
from gateway.contract.errors import ConfigError, ContractError, JournalError
from gateway.contract.plan import Plan, PlanOrder
from gateway.contract.uii import UiiError
from gateway.identity import Identity, stored_plan
from gateway.store import newest_journal, open_journal

Found = tuple[tuple[str | int, ...], str]
"""Where in its table, and what is wrong there."""


def check(config: GatewayConfig, text: str) -> list[str]:
    """Every finding as `line: what is wrong and what would be right`; `text` is the file's."""
    found: list[tuple[tuple[str | int, ...], str]] = [*_guard(config), *_listening(config)]
    for index, station in enumerate(config.station):
        found += [(("station", index, *where), finding) for where, finding in _station(station)]
    findings = [f"{line_of(text, where)}: {finding}" for where, finding in found]
    plan, fault = _stored_plan(config)
    if fault:
        findings.append(f"1: {fault}")
    if plan is not None:
        for station in config.station:
            for order in plan.orders:
                findings += [f"1: {fault}" for fault in _content(station, order, plan)]
    return findings


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
        findings += _where(error)
    else:
        if marker is not None and station.marker is not None:
            findings += _start(station, marker, station.marker.kind)
    try:
        build_readers(station)
    except ConfigError as error:
        findings += _where(error)
    return findings


def _start(station: StationConfig, marker: Marker, kind: str) -> list[Found]:
    """Whether what fires at this station is what the marker can be armed for."""
    name = station.name
    if station.start != "operator" and not marker.single_shot:
        why = (
            f"{name}: a {station.start} needs a marker that can be armed for one shot; "
            f"{kind} cannot"
        )
        return [(("start",), f'{why}; write start = "operator"')]
    wanted = "command" if station.start == "operator" else "input"
    if wanted not in marker.starts:
        fires = " or ".join(sorted(marker.starts))
        why = f'{name}: start = "{station.start}", but its marker is set to be fired by {fires}'
        return [(("marker", "options"), f'{why}; set the driver\'s options for "{wanted}"')]
    return []


def _where(error: ConfigError) -> list[Found]:
    """A driver's faults, each at the key that it names: `station/reader-2: url: …`."""
    found: list[Found] = []
    for fault in str(error).splitlines():
        name, key = fault.split(": ")[:2]
        role, _, place = name.rpartition("/")[2].partition("-")
        at = (int(place) - 1,) if place else ()
        found.append(((role, *at, key.partition(".")[0]), fault))
    return found


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
    except (ConfigError, JournalError, ContractError) as error:
        return None, f"{error.code}: {error}"


def _content(station: StationConfig, order: PlanOrder, plan: Plan) -> list[str]:
    """Whether this station's marker can engrave what the order asks for, to the last number."""
    try:
        marker = build_marker(station)
    except ConfigError:
        return []
    if marker is None:
        return []
    for block in plan.blocks:
        if block.order != order.id:
            continue
        for component in order.components:
            try:
                order.item(block.end, component)
            except UiiError as error:
                return [f"order {order.id}: its template gives no UII: {error}"]
            content, lines = order.content(block.end, component), order.lines(block.end, component)
            refusal = marker.refuses(MarkText(1, content, lines))
            if refusal is not None:
                return [f"{station.name}: order {order.id} cannot be engraved here: {refusal}"]
    return []

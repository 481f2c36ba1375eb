"""One station as it stands in the hall: the place, the marker, the readers, the pedal."""

from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.protocols import Shot, Start
from gateway.config import StationConfig
from gateway.core import Devices
from gateway.station import Station
from tests.simulation.chance import Chance
from tests.simulation.devices import Device, SimMarker, Whose
from tests.simulation.loop import SimLoop
from tests.simulation.metal import MarkRef, Metal, Place
from tests.simulation.readers import Eye, SimReader
from tests.simulation.story import Story
from tests.simulation.wire import Wire


@dataclass(eq=False)
class Bench:
    """What outlives every process of the gateway."""

    config: StationConfig
    place: Place
    device: Device
    eyes: list[Eye] = field(default_factory=list)
    on_arm: Callable[[Shot], None] = lambda _shot: None

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def by_input(self) -> bool:
        return self.config.start != "operator"

    def drivers(self, station: Callable[[], Station | None]) -> Devices:
        """The drivers for one process; `station` is the one that uses them, once there is one."""
        starts: frozenset[Start] = frozenset({"command", "input"})
        marker = None
        if self.config.marker is not None:
            marker = SimMarker(self.device, lambda: whose(station()), starts, self.on_arm)
        readers = [SimReader(eye) for eye in self.eyes]
        return Devices(marker, tuple(readers))

    def pedal(self) -> None:
        """Somebody treads on it, or a PLC sees a part."""
        if self.by_input and self.device.powered:
            self.device.trigger()

    def calm(self) -> None:
        """Its devices work from now on."""
        self.device.wire.calm()
        self.device.switch(on=True)
        self.device.stop_after, self.device.mute, self.device.start_late = None, 0, 0.0
        self.device.faint, self.device.keeps = [], 0
        for eye in self.eyes:
            eye.wire.calm()
            eye.stale = eye.blind = 0


def whose(station: Station | None) -> Whose:
    """What the station is about to engrave: the marks that it has announced."""
    opened = None if station is None else station.cycle.open
    if station is None or opened is None:
        return Whose()
    journal = station.logbook.journal
    return Whose(
        {
            mark.position: MarkRef(journal.gateway, journal.epoch, opened.seq, mark.position)
            for mark in opened.marks
        },
        {mark.position: mark.component for mark in opened.marks},
    )


def build(
    name: str,
    config: StationConfig,
    kind: str,
    positions: int,
    *,
    readers: bool,
    loop: SimLoop,
    chance: Chance,
    story: Story,
    metal: Metal,
) -> Bench:
    """A station with `positions` places for parts, and a reader over each where there are any."""
    place = Place(name, positions, loop.time)
    device = Device(
        "cell" if kind == "cell" else "laser",
        f"{name}/marker",
        loop,
        chance.of("device"),
        story,
        metal,
        place,
        Wire(loop, chance.of("wire"), f"{name}/marker"),
        mark_s=round(chance.uniform(0.1, 0.6), 3),
    )
    device.wire.powered = lambda: device.powered
    eyes = []
    if readers:
        for position in range(1, positions + 1):
            eye_name = f"{name}/reader-{position}"
            wire = Wire(loop, chance.of(eye_name), eye_name)
            eyes.append(Eye(eye_name, place, position, wire))
    return Bench(config, place, device, eyes)

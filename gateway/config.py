"""One TOML file a gateway: unknown keys refused, all errors told at once, nothing connected."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gateway.contract.encoding import GatewayName
from gateway.contract.errors import ConfigError

Seconds = Annotated[float, Field(gt=0, le=3600)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]

HIGHEST_PORT = 65535


def _checked(url: str, schemes: tuple[str, ...], right: str) -> str:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in schemes and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none
        whole = False
    if not whole:
        raise ValueError(right)
    return url


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GuardConfig(_Section):
    """Where the guard lies. It belongs on another medium than the journal."""

    path: Path
    same_disk: bool = False
    """Allow the journal's own disk: for trials only, a lost disk then takes both."""


class BrokerConfig(_Section):
    """The MQTT broker: `mqtt://host:port`, or `mqtts://` with a client certificate."""

    url: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, url: str) -> str:
        return _checked(url, ("mqtt", "mqtts"), "write mqtt://host:port or mqtts://host:port")

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or (8883 if self.tls else 1883)

    @property
    def tls(self) -> bool:
        return urlsplit(self.url).scheme == "mqtts"


class UplinkConfig(_Section):
    """How patient the uplink is."""

    resend_after_s: Seconds = 10
    backoff_max_s: Seconds = 30
    start_grace_s: Seconds = 5
    """How long a start waits for a receipt before the guard alone has to do."""


class CentralConfig(_Section):
    """Central's web address; used by enrolment alone."""

    url: str

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, url: str) -> str:
        return _checked(url, ("http", "https"), "write https://host or https://host:port")


class ScreenConfig(_Section):
    """The operator's screen."""

    listen: Annotated[str, Field(pattern=r"^[0-9A-Za-z.:\[\]-]+:\d{1,5}$")] = "127.0.0.1:8091"
    language: Literal["sq", "en"] = "sq"

    @field_validator("listen")
    @classmethod
    def _a_port(cls, listen: str) -> str:
        if not 0 < int(listen.rpartition(":")[2]) <= HIGHEST_PORT:
            raise ValueError(f"a port is 1 to {HIGHEST_PORT}")
        return listen

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])


class ClockConfig(_Section):
    """Which time is trusted before the first receipt."""

    trust_hardware: bool = False
    """The hardware clock counts if it is not behind the journal's last record."""


class DeviceConfig(_Section):
    """One device: its driver, its wire, and the driver's own options."""

    kind: str
    url: str
    options: dict[str, Any] = Field(default_factory=dict)


class StationConfig(_Section):
    """One station: a marker, and one reader a place of the tray where there are any.

    Without a marker it is a reading post.
    """

    name: Name
    start: Literal["operator", "pedal", "plc"] = "operator"
    """Who fires: the gateway when the operator asks, or the device's own input."""
    components: tuple[str, ...] = ()
    """The pieces that are marked here; every piece of an order where it is empty."""
    arm_timeout_s: Seconds = 60
    mark_timeout_s: Seconds = 60
    look_s: Seconds = 0.5
    read_s: Seconds = 2
    marker: DeviceConfig | None = None
    reader: tuple[DeviceConfig, ...] = ()
    """`[station.reader]`, or `[[station.reader]]` for each place of the tray in turn."""

    @property
    def devices(self) -> tuple[tuple[str, DeviceConfig], ...]:
        """Its devices by role: `marker`, and `reader`, or `reader-1` and so on for a tray."""
        markers = () if self.marker is None else (("marker", self.marker),)
        if len(self.reader) == 1:
            return (*markers, ("reader", self.reader[0]))
        readers = ((f"reader-{at}", each) for at, each in enumerate(self.reader, start=1))
        return (*markers, *readers)

    @field_validator("reader", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return [value] if isinstance(value, dict | DeviceConfig) else value or ()

    @model_validator(mode="after")
    def _does_something(self) -> "StationConfig":
        if self.marker is None and not self.reader:
            raise ValueError("a station has a [station.marker], a [station.reader], or both")
        return self


class GatewayConfig(_Section):
    """The whole file."""

    gateway: GatewayName
    journal: Path
    """The folder of the journals, one file an epoch."""
    guard: GuardConfig
    broker: BrokerConfig
    central: CentralConfig
    uplink: UplinkConfig = UplinkConfig()
    screen: ScreenConfig = ScreenConfig()
    clock: ClockConfig = ClockConfig()
    station: Annotated[tuple[StationConfig, ...], Field(min_length=1)]

    @field_validator("station")
    @classmethod
    def _names_differ(cls, stations: tuple[StationConfig, ...]) -> tuple[StationConfig, ...]:
        names = [station.name for station in stations]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two stations are named {', '.join(twice)}")
        return stations


def load(path: Path) -> GatewayConfig:
    """Read and check the file; relative paths are taken from its folder. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 at byte {error.start}") from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    try:
        config = GatewayConfig.model_validate(raw)
    except ValidationError as error:
        lines = []
        for fault in error.errors(include_url=False, include_input=False):
            if fault["type"] == "too_short" and raw.get("station"):
                continue  # the stations are there; what is wrong with each is told beside this
            place = _as_written(fault["loc"], raw)
            where = ".".join(str(part) for part in place)
            words = in_words(fault["type"], fault["msg"])
            lines.append(f"{path}:{line_of(text, place)}: {where}: {words}")
        raise ConfigError("\n".join(lines)) from error
    return _from_folder(config, path.resolve().parent)


def _as_written(place: tuple[str | int, ...], raw: dict[str, Any]) -> tuple[str | int, ...]:
    """A fault's place in the file: one `[station.reader]` has no number of its own."""
    found: object = raw
    written: list[str | int] = []
    for part in place:
        if isinstance(part, int) and isinstance(found, dict):
            continue
        written.append(part)
        try:
            found = found[part]  # type: ignore[index] -- what cannot be entered ends the way
        except (KeyError, IndexError, TypeError):
            found = None
    return tuple(written)


def in_words(kind: str, message: str) -> str:
    """Pydantic's verdict as a person would say it."""
    if kind == "extra_forbidden":
        return "no such key; take it out or correct its spelling"
    if kind == "missing":
        return "is missing"
    return message.removeprefix("Value error, ")


def _from_folder(config: GatewayConfig, folder: Path) -> GatewayConfig:
    broker = config.broker.model_copy(
        update={
            name: folder / value
            for name in ("ca", "cert", "key")
            if (value := getattr(config.broker, name)) is not None
        }
    )
    guard = config.guard.model_copy(update={"path": folder / config.guard.path})
    return config.model_copy(
        update={"journal": folder / config.journal, "guard": guard, "broker": broker}
    )


def line_of(text: str, location: tuple[str | int, ...]) -> int:
    """The line where a key stands, or that of the nearest table around it; 1 if none does."""
    best_line, best_depth = 1, -1
    table: tuple[str | int, ...] = ()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]\]?", line):
            names = header[2].split(".")
            if header[1] == "[[":
                counts[header[2]] = counts.get(header[2], -1) + 1
            table = _numbered(names, counts)
            here = table
        elif key := re.match(r"\s*([A-Za-z0-9_.\-]+)\s*=", line):
            here = (*table, *key[1].split("."))
        else:
            continue
        if here == location[: len(here)] and len(here) > best_depth:
            best_line, best_depth = number, len(here)
    return best_line


def _numbered(names: list[str], counts: dict[str, int]) -> tuple[str | int, ...]:
    """A table's path with the index of each array of tables that it lies in."""
    path: list[str | int] = []
    for depth, name in enumerate(names, start=1):
        path.append(name)
        dotted = ".".join(names[:depth])
        if dotted in counts:
            path.append(counts[dotted])
    return tuple(path)

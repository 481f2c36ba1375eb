"""One TOML file a gateway: unknown keys refused, all errors told at once, nothing connected."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from drivers.options import in_words
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
    """The guard's two files are named after it: `<path>.0` and `<path>.1`."""
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
    sign_in: Literal["badge", "badge-and-pin"] = "badge"
    """What it takes to work at the line; who settles, or frees a station, always needs the PIN."""

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


class PicturesConfig(_Section):
    """Where the pictures of cameras are kept."""

    path: Path | None = None
    """A folder; `pictures` in that of the journals where it is absent."""
    quota_mb: Annotated[int, Field(ge=1, le=10**6)] = 500
    """Megabytes; the oldest go first."""


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
    """One station: a marker, readers, or both. Without a marker it only reads parts back."""

    name: Name
    start: Literal["operator", "pedal", "plc"] = "operator"
    """Who fires: the gateway when the operator asks, or the device's own input."""
    components: tuple[Annotated[str, Field(min_length=1, max_length=60)], ...] = ()
    """Which pieces of a product are marked here, by name; all of them where empty."""
    arm_timeout_s: Seconds = 60
    mark_timeout_s: Seconds = 60
    look_s: Seconds = 0.5
    read_s: Seconds = 2
    marker: DeviceConfig | None = None
    reader: tuple[DeviceConfig, ...] = ()
    """One a position of the tray, in the positions' order: one table, or several."""

    @field_validator("reader", mode="before")
    @classmethod
    def _one_or_several(cls, reader: Any) -> Any:
        if reader is None:
            return ()
        return reader if isinstance(reader, list | tuple) else (reader,)

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.marker is None and not self.reader:
            raise ValueError("neither a marker nor a reader; write [station.marker], or a reader")
        if self.marker is None and self.start != "operator":
            raise ValueError(f'start = "{self.start}" needs a marker; write [station.marker]')
        if self.marker is None and self.components:
            raise ValueError("components are marked, and there is no marker; take them out")
        return self

    @property
    def named_readers(self) -> tuple[tuple[str, DeviceConfig], ...]:
        """`laser/reader`, or `laser/reader-1`, `laser/reader-2` where there are several."""
        if len(self.reader) == 1:
            return ((f"{self.name}/reader", self.reader[0]),)
        return tuple(
            (f"{self.name}/reader-{position}", device)
            for position, device in enumerate(self.reader, start=1)
        )

    @property
    def named_devices(self) -> tuple[tuple[str, DeviceConfig], ...]:
        """The marker, if there is one, and the readers."""
        marker = ((f"{self.name}/marker", self.marker),) if self.marker else ()
        return (*marker, *self.named_readers)

    @property
    def by_input(self) -> bool:
        """The device's own input fires; a person starts a run of parts."""
        return self.start != "operator"


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
    pictures: PicturesConfig = PicturesConfig()
    station: Annotated[tuple[StationConfig, ...], Field(min_length=1)]

    @property
    def picture_folder(self) -> Path:
        return self.pictures.path or self.journal / "pictures"

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
            where = ".".join(str(part) for part in _as_written(raw, fault["loc"]))
            words = in_words(fault["type"], fault["msg"])
            lines.append(f"{path}:{line_of(text, fault['loc'])}: {where}: {words}")
        raise ConfigError("\n".join(lines)) from error
    return _from_folder(config, path.resolve().parent)


def _as_written(raw: Any, location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The location without the index of a list that is written as one table."""
    written: list[str | int] = []
    for part in location:
        if isinstance(part, int) and isinstance(raw, dict):
            continue
        written.append(part)
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            raw = None
    return tuple(written)


def _from_folder(config: GatewayConfig, folder: Path) -> GatewayConfig:
    broker = config.broker.model_copy(
        update={
            name: folder / value
            for name in ("ca", "cert", "key")
            if (value := getattr(config.broker, name)) is not None
        }
    )
    guard = config.guard.model_copy(update={"path": folder / config.guard.path})
    path = config.pictures.path
    pictures = config.pictures.model_copy(update={"path": path and folder / path})
    return config.model_copy(
        update={
            "journal": folder / config.journal,
            "guard": guard,
            "broker": broker,
            "pictures": pictures,
        }
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
                inside = [name for name in counts if name.startswith(f"{header[2]}.")]
                for name in inside:  # arrays in it begin anew
                    del counts[name]
            table = _numbered(names, counts)
            here = table
        elif key := re.match(r"\s*([A-Za-z0-9_.\-]+)\s*=", line):
            here = (*table, *key[1].split("."))
        else:
            continue
        if _leads_to(here, location) and len(here) > best_depth:
            best_line, best_depth = number, len(here)
    return best_line


def _leads_to(here: tuple[str | int, ...], location: tuple[str | int, ...]) -> bool:
    """Whether a key lies on the way; a list that is written as one table has no index there."""
    rest = list(location)
    for part in here:
        if rest and rest[0] == 0 and part != 0:
            rest.pop(0)
        if not rest or rest.pop(0) != part:
            return False
    return True


def _numbered(names: list[str], counts: dict[str, int]) -> tuple[str | int, ...]:
    """A table's path with the index of each array of tables that it lies in."""
    path: list[str | int] = []
    for depth, name in enumerate(names, start=1):
        path.append(name)
        dotted = ".".join(names[:depth])
        if dotted in counts:
            path.append(counts[dotted])
    return tuple(path)

"""central.toml: one file, unknown keys refused, all errors told at once. Never connects."""

import tomllib
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from central.errors import ConfigError


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Database(_Table):
    """`url` as libpq reads it: `postgresql://user@host/name`."""

    url: Annotated[str, Field(pattern=r"^postgres(ql)?://")]


class Broker(_Table):
    """`mqtt://host:port`, or `mqtts://host:port` with the files of a client certificate."""

    url: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    username: str | None = None
    password_file: Path | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError("url: mqtt://host:port or mqtts://host:port")
        if parts.username or parts.password:
            raise ValueError("url: no name or password here; use username and password_file")
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key come together")
        if parts.scheme == "mqtt" and (self.ca or self.cert):
            raise ValueError("ca, cert and key need an mqtts:// url")
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file needs username")
        return self

    @property
    def tls(self) -> bool:
        return urlsplit(self.url).scheme == "mqtts"

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or (8883 if self.tls else 1883)


class Keys(_Table):
    """`dir` holds `receipt.key` and `plan.key`: 32 raw bytes in hex, mode 0600."""

    dir: Path


class Http(_Table):
    """`listen` is host:port; the loopback interface unless a proxy stands before it."""

    listen: Annotated[str, Field(pattern=r"^[^:\s]+:\d{1,5}$")] = "127.0.0.1:8080"

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0]

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])


class Plan(_Table):
    """How long a gateway may mark without hearing from us, and how many numbers it holds.

    `reserve` is how few numbers a gateway comes down to before it is given more, half of
    `block_size` where left out. `void_after_days`: numbers unused for so long are void; six months
    by (EU) 2018/574. `guard` is the file that says how far numbers were issued; it lies off the
    database's disk.
    """

    lease_hours: Annotated[int, Field(ge=1, le=24 * 31)] = 72
    block_size: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    reserve: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    void_after_days: Annotated[int, Field(ge=1, le=36_500)] = 183
    guard: Path = Path("guard/issued")

    @model_validator(mode="after")
    def _within(self) -> Self:
        if (self.reserve or 0) > self.block_size:
            raise ValueError("reserve is no more than block_size")
        return self


class Ingest(_Table):
    """How many batches one worker may hold before it has stored them."""

    receive_maximum: Annotated[int, Field(ge=1, le=1000)] = 64


class Config(_Table):
    database: Database
    broker: Broker
    keys: Keys
    http: Http = Http()
    plan: Plan = Plan()
    ingest: Ingest = Ingest()


def load(path: Path) -> Config:
    """Read a file; paths in it are relative to its folder. Raises `ConfigError`, all faults."""
    try:
        with path.open("rb") as file:
            value = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    try:
        config = Config.model_validate(value)
    except ValidationError as error:
        faults = [
            f"{path}: {'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise ConfigError("\n".join(faults)) from error
    return _absolute(config, path.resolve().parent)


def _absolute(config: Config, folder: Path) -> Config:
    def at(path: Path | None) -> Path | None:
        return None if path is None else folder / path

    broker = config.broker
    return config.model_copy(
        update={
            "keys": Keys(dir=folder / config.keys.dir),
            "plan": config.plan.model_copy(update={"guard": folder / config.plan.guard}),
            "broker": broker.model_copy(
                update={
                    "ca": at(broker.ca),
                    "cert": at(broker.cert),
                    "key": at(broker.key),
                    "password_file": at(broker.password_file),
                }
            ),
        }
    )

"""central.toml: one file, unknown keys refused, all errors told at once. Never connects."""

import stat
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from central.access.roles import Role
from central.addresses import is_safe
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
    """`listen` is host:port; the loopback interface unless a proxy stands before it. `origin` is
    what browsers reach it by, where that is another: `https://register.example`. With
    `certificate` and `key`, PEM files, it speaks TLS itself."""

    listen: Annotated[str, Field(pattern=r"^[^:\s]+:\d{1,5}$")] = "127.0.0.1:8080"
    origin: Annotated[str, Field(pattern=r"^(https?://[^/\s]+)?$")] = ""
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key come together")
        if self.certificate is not None and self.origin.startswith("http:"):
            raise ValueError("origin: https://…, as there is a certificate")
        return self

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by TLS."""
        return self.certificate is not None or self.origin.startswith("https://")

    @property
    def address(self) -> str:
        """What people type to come to the pages."""
        return self.origin or f"{'https' if self.secure else 'http'}://{self.listen}"

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0]

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])


class SignIn(_Table):
    """`second_factor`: the roles that nobody acts in by a password alone."""

    second_factor: tuple[Role, ...] = ()


class Label(_Table):
    """What the button says, in both languages."""

    sq: Annotated[str, Field(min_length=1, max_length=80)]
    en: Annotated[str, Field(min_length=1, max_length=80)]


class Oidc(_Table):
    """An agency's own sign-on, by OpenID Connect: `issuer` to the letter, as whom it knows this
    register, and the file with the secret. `ca`: PEM, where its certificate is not everybody's."""

    issuer: Annotated[str, Field(max_length=500)]
    client_id: Annotated[str, Field(min_length=1, max_length=500)]
    client_secret_file: Path
    label: Label
    ca: Path | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not is_safe(self.issuer):
            raise ValueError("issuer: https://…; http:// to this machine alone")
        parts = urlsplit(self.issuer)
        if parts.query or parts.fragment or parts.username:
            raise ValueError("issuer: no name, query or fragment")
        return self

    def client_secret(self) -> str:
        """Raises `ConfigError` where it is missing, or others may read it."""
        path = self.client_secret_file
        try:
            mode = path.stat().st_mode
            text = path.read_text("utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from error
        if stat.S_IMODE(mode) & 0o077:
            raise ConfigError(f"{path}: others may read it; chmod 600")
        if not text:
            raise ConfigError(f"{path}: it is empty")
        return text


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


class Devices(_Table):
    """`enabled`: this web server takes batches, and holds the receipt key to answer them."""

    enabled: bool = False


Address = Annotated[str, Field(pattern=r"^[^@\s<>,;\"]+@[^@\s<>,;\"]+$", max_length=200)]


class Mail(_Table):
    """Where mail goes out: by `tls` from the first byte, by `starttls`, or (`none`) in the clear to
    a relay that asks for no password. `to`: who is told of every alert."""

    host: Annotated[str, Field(pattern=r"^[^\s/@:]+$")]
    port: Annotated[int | None, Field(ge=1, le=65_535)] = None
    security: Literal["tls", "starttls", "none"] = "starttls"
    ca: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    sender: Address
    to: Annotated[tuple[Address, ...], Field(min_length=1)]
    language: Literal["sq", "en"] = "sq"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file come together")
        if self.username is not None and self.security == "none":
            raise ValueError("no password goes in the clear; set security")
        return self

    @property
    def at_port(self) -> int:
        return self.port or {"tls": 465, "starttls": 587, "none": 25}[self.security]


class Webhook(_Table):
    """An address that is told of every alert. `name` is what its deliveries are kept under."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
    url: str
    ca: Path | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not is_safe(self.url):
            raise ValueError("url: https://…; http:// to this machine alone")
        parts = urlsplit(self.url)
        if parts.username or parts.password or parts.fragment:
            raise ValueError("url: no name, password or fragment")
        return self


class Escalation(_Table):
    """Whom else to tell when nobody has acknowledged an alert for so long since it was raised."""

    after_minutes: Annotated[float, Field(gt=0, le=60 * 24 * 31)]
    to: Annotated[tuple[Address, ...], Field(min_length=1)]


class Alerts(_Table):
    """What the rules measure by, and who is told. Without `mail` and `webhook` alerts are raised,
    and nobody is sent word."""

    gateway_silent_minutes: Annotated[float, Field(gt=0, le=60 * 24 * 31)] = 60.0
    clock_off_seconds: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    balance_every_minutes: Annotated[float, Field(gt=0, le=60 * 24 * 31)] = 60.0
    least_seconds_a_number: Annotated[float, Field(ge=0, le=86_400)] = 0.2
    fastest_km_h: Annotated[float, Field(gt=0, le=2_000)] = 200.0
    mail: Mail | None = None
    webhook: tuple[Webhook, ...] = ()
    escalation: tuple[Escalation, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.escalation and self.mail is None:
            raise ValueError("escalation: people are told by mail, and there is no mail")
        if len({each.name for each in self.webhook}) != len(self.webhook):
            raise ValueError("webhook: each has a name of its own")
        waits = [each.after_minutes for each in self.escalation]
        if sorted(set(waits)) != waits:
            raise ValueError("escalation: in the order of after_minutes")
        return self


class Printer(_Table):
    """A label printer that takes ZPL II. `address` is host:port, where it listens on TCP; `site`
    the code of the place where it stands; `dpmm` its dots a millimetre: 8 (203 dpi), 12 (300)."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
    address: Annotated[str, Field(pattern=r"^[^:\s/]+:\d{1,5}$")]
    site: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
    dpmm: Literal[8, 12] = 8

    @property
    def host(self) -> str:
        return self.address.rpartition(":")[0]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


class Config(_Table):
    database: Database
    broker: Broker
    keys: Keys
    http: Http = Http()
    sign_in: SignIn = SignIn()
    oidc: Oidc | None = None
    plan: Plan = Plan()
    ingest: Ingest = Ingest()
    devices: Devices = Devices()
    alerts: Alerts = Alerts()
    printers: tuple[Printer, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len({each.name for each in self.printers}) != len(self.printers):
            raise ValueError("printers: each has a name of its own")
        return self


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

    broker, alerts = config.broker, config.alerts
    mail = alerts.mail and alerts.mail.model_copy(
        update={"ca": at(alerts.mail.ca), "password_file": at(alerts.mail.password_file)}
    )
    oidc = config.oidc and config.oidc.model_copy(
        update={
            "client_secret_file": at(config.oidc.client_secret_file),
            "ca": at(config.oidc.ca),
        }
    )
    webhooks = tuple(hook.model_copy(update={"ca": at(hook.ca)}) for hook in alerts.webhook)
    return config.model_copy(
        update={
            "keys": Keys(dir=folder / config.keys.dir),
            "oidc": oidc,
            "http": config.http.model_copy(
                update={"certificate": at(config.http.certificate), "key": at(config.http.key)}
            ),
            "plan": config.plan.model_copy(update={"guard": folder / config.plan.guard}),
            "alerts": alerts.model_copy(update={"mail": mail, "webhook": webhooks}),
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

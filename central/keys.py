"""Central's signing keys: files of 32 raw bytes in hex, readable by their owner alone."""

import base64
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from central.errors import ConfigError
from gateway.contract.plan import CentralKey
from gateway.contract.signed import SigningKey, key_id

Use = Literal["receipt", "plan"]
USES: tuple[Use, Use] = ("receipt", "plan")
ALERT: Literal["alert"] = "alert"
"""The use of a third key, which no gateway is told of: it signs what is sent of alerts."""


SECOND_FACTOR = "second-factor"
"""The name of the key by which the secrets of authenticators are encrypted; it signs nothing."""


def ensure(folder: Path) -> None:
    """Make the keys that are missing; never replaces one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for use in (*USES, ALERT, SECOND_FACTOR):
        path = folder / f"{use}.key"
        fresh = folder / f".{use}.{os.getpid()}"
        if path.exists():
            continue
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(SigningKey.new().to_bytes().hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link, not a rename: of two that start at once, the first one's key stays.
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()


def load(folder: Path, use: Use | Literal["alert"]) -> SigningKey:
    """Raises `ConfigError` when the file is missing, readable by others, or no key."""
    return SigningKey.from_bytes(_raw(folder, use))


def load_second_factor(folder: Path) -> bytes:
    """32 bytes. Raises `ConfigError` likewise."""
    return _raw(folder, SECOND_FACTOR)


def _raw(folder: Path, use: str) -> bytes:
    path = folder / f"{use}.key"
    try:
        mode = path.stat().st_mode
        text = path.read_text().strip()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; 'migrate' makes missing keys") from error
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"{path}: others may read it; chmod 600")
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise ConfigError(f"{path}: not 32 bytes in hex")
    return raw


def public(key: SigningKey, use: Use) -> CentralKey:
    """As it travels in enrolment and in plans."""
    return CentralKey(id=key.id, use=use, public=key.public.hex())


def publish(folder: Path) -> tuple[CentralKey, ...]:
    """Both public keys that gateways are told. Written beside the private ones, with that of
    alerts, so that `serve` needs no key that signs."""
    keys = tuple(public(load(folder, use), use) for use in USES)
    told = {key.use: key.public for key in keys}
    for use, text in (told | {ALERT: webhook_key(load(folder, ALERT).public)}).items():
        path = folder / f"{use}.pub"
        path.write_text(text + "\n")
        path.chmod(0o644)
    return keys


def webhook_key(raw: bytes) -> str:
    """A public key as libraries of Standard Webhooks take it."""
    return "whpk_" + base64.b64encode(raw).decode()


def plan_keys(public: Iterable[CentralKey]) -> Mapping[str, bytes]:
    """By their ids, the keys that plans are signed with."""
    return {key.id: bytes.fromhex(key.public) for key in public if key.use == "plan"}


def load_public(folder: Path) -> tuple[CentralKey, ...]:
    """Both public keys, from the files that `publish` wrote."""
    found = []
    for use in USES:
        path = folder / f"{use}.pub"
        try:
            raw = bytes.fromhex(path.read_text().strip())
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}; 'migrate' writes it") from error
        except ValueError as error:
            raise ConfigError(f"{path}: not 32 bytes in hex") from error
        if len(raw) != 32:
            raise ConfigError(f"{path}: not 32 bytes in hex")
        found.append(CentralKey(id=key_id(raw), use=use, public=raw.hex()))
    return tuple(found)

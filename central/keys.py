"""Central's two signing keys: files of 32 raw bytes in hex, readable by their owner alone."""

import os
import stat
from pathlib import Path
from typing import Literal

from central.errors import ConfigError
from gateway.contract.plan import CentralKey
from gateway.contract.signed import SigningKey, key_id

Use = Literal["receipt", "plan"]
USES: tuple[Use, Use] = ("receipt", "plan")


def ensure(folder: Path) -> None:
    """Make the keys that are missing; never replaces one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for use in USES:
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


def load(folder: Path, use: Use) -> SigningKey:
    """Raises `ConfigError` when the file is missing, readable by others, or no key."""
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
    return SigningKey.from_bytes(raw)


def public(key: SigningKey, use: Use) -> CentralKey:
    """As it travels in enrolment and in plans."""
    return CentralKey(id=key.id, use=use, public=key.public.hex())


def publish(folder: Path) -> tuple[CentralKey, ...]:
    """Both public keys; written beside the private ones so that `serve` needs no private key."""
    keys = tuple(public(load(folder, use), use) for use in USES)
    for key in keys:
        path = folder / f"{key.use}.pub"
        path.write_text(key.public + "\n")
        path.chmod(0o644)
    return keys


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

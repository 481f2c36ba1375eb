"""Who this gateway is in an epoch: its signing key, and central's public keys."""

import json
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.contract.errors import GjurmaError, Retry, SignatureInvalid
from gateway.contract.plan import CentralKey, Plan, decode_plan
from gateway.contract.signed import SigningKey
from gateway.details import detail, of_system
from gateway.journal import Journal


class KeyDamaged(GjurmaError):
    """The keys beside the journal cannot be used: nothing can be signed or verified."""

    code = "key-damaged"
    retry = Retry.OPERATOR


def load_key(journal: Path) -> SigningKey:
    """The signing key of a journal's epoch. Raises `KeyDamaged`."""
    secret = journal.with_suffix(".key")
    try:
        return SigningKey.from_bytes(bytes.fromhex(secret.read_text("ascii").strip()))
    except (OSError, ValueError) as error:
        raise _damaged(secret, error) from error


def _damaged(path: Path, error: OSError | ValueError) -> KeyDamaged:
    # What stands in a key's file is not repeated, damaged or not.
    fault = of_system(error) if isinstance(error, OSError) else detail("key-unreadable")
    return KeyDamaged(detail("key-damaged", key=path, fault=fault))


@dataclass(frozen=True)
class Identity:
    """What enrolment gave; kept beside the journal of its epoch."""

    key: SigningKey
    central: tuple[CentralKey, ...]

    def save(self, journal: Path) -> None:
        """Write the secret (mode 0600) and the public part, durably."""
        _write(journal.with_suffix(".key"), self.key.to_bytes().hex())
        keys = [key.model_dump(mode="json") for key in self.central]
        _write(journal.with_suffix(".keys.json"), json.dumps(keys, indent=1))

    @classmethod
    def load(cls, journal: Path) -> "Identity":
        """Raises `KeyDamaged` with the file that cannot be used."""
        public = journal.with_suffix(".keys.json")
        try:
            central = tuple(
                CentralKey.model_validate(value) for value in json.loads(public.read_text("utf-8"))
            )
        except (OSError, ValueError) as error:
            raise _damaged(public, error) from error
        return cls(load_key(journal), central)

    def public_key(self, use: str, plan: Plan | None, key_id: str) -> bytes | None:
        """Central's key of that id and use, from enrolment or from the plan in force."""
        for key in (*self.central, *(plan.keys if plan else ())):
            if key.id == key_id and key.use == use:
                return bytes.fromhex(key.public)
        return None


def stored_plan(journal: Journal, identity: Identity) -> Plan | None:
    """The newest accepted plan, by a key of enrolment or of the plan that was in force before it.

    Raises `ContractError` when none of them signed it.
    """
    waiting: list[bytes] = []
    plan: Plan | None = None
    while plan is None:
        payload = journal.plan_at(len(waiting))
        if payload is None:
            if waiting:
                raise SignatureInvalid("no key of enrolment leads to the stored plan")
            return None
        try:
            plan = decode_plan(payload, partial(identity.public_key, "plan", None))
        except SignatureInvalid:
            # A key that central changed is in the plan that was in force when this one came.
            waiting.append(payload)
    for payload in reversed(waiting):
        plan = decode_plan(payload, partial(identity.public_key, "plan", plan))
    return plan


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())

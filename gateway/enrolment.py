"""Enrolment: a one-time code becomes a new epoch, its journal, its key and its guard."""

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

import httpx
from pydantic import BaseModel, ValidationError

from gateway.clock import TrustedClock
from gateway.config import GatewayConfig
from gateway.contract.encoding import Hex32, Seq, format_time
from gateway.contract.errors import GjurmaError, JournalError, RolledBack
from gateway.contract.plan import CentralKey
from gateway.contract.record import Opened
from gateway.contract.signed import SigningKey
from gateway.details import detail, of_system
from gateway.guard import Guard, GuardFile, Mark, kept_mark
from gateway.identity import Identity
from gateway.logbook import Draft, Logbook
from gateway.store import (
    create,
    epoch_of,
    journal_path,
    must_be_free,
    newest_journal,
    open_journal,
)

TIMEOUT_S = 20
LONGEST_REASON = 200
"""Characters, as the first record holds them."""


class EnrolmentRefused(GjurmaError):
    """Central did not open an epoch; `str()` is its own explanation."""

    code = "enrolment-refused"


class _Answer(BaseModel):
    gateway: str
    epoch: Seq
    previous_head: Hex32
    incarnation: int
    keys: tuple[CentralKey, ...]


@dataclass(frozen=True)
class Enrolled:
    gateway: str
    epoch: int
    journal: str


def enrol(config: GatewayConfig, code: str, reason: str, fingerprint: str) -> Enrolled:
    """Open a new epoch. The gateway must be stopped; the old journal stays where it is.

    `fingerprint` is the configuration's hash, for the first record. Raises `EnrolmentRefused`,
    or `JournalError` when a gateway runs.
    """
    former = newest_journal(config.journal)
    if former is not None:
        must_be_free(former)
    if not 0 < len(reason) <= LONGEST_REASON or not reason.isprintable():
        raise EnrolmentRefused(f"the reason is one line of 1 to {LONGEST_REASON} characters")
    _keep_mark(config)
    key = SigningKey.new()
    clock = TrustedClock(config.clock.trust_hardware)
    answer = _ask(config, code, key, reason, clock.now())
    if former is not None and answer.epoch <= epoch_of(former):
        raise EnrolmentRefused(
            f"central opened epoch {answer.epoch}, and {former} is here already: was the register "
            "restored from a backup?"
        )
    path = journal_path(config.journal, answer.epoch)
    create(path, config.gateway, answer.epoch, bytes.fromhex(answer.previous_head))
    Identity(key, answer.keys).save(path)
    journal = open_journal(path, writable=True)
    try:
        guard = Guard(GuardFile(config.guard.path))
        journal.set_meta("guard", guard.name)
        guard.create(Mark(config.gateway, answer.epoch, 0, journal.first_head))
        logbook = Logbook(journal, guard, clock)
        devices = {
            name: device.kind
            for station in config.station
            for name, device in station.named_devices
        }
        fields = {
            "reason": reason,
            "versions": {"gjurma": version("gjurma")},
            "devices": devices,
            "config": fingerprint,
        }
        logbook.append(Draft(Opened, fields))
        logbook.write_guard()
    finally:
        journal.close()
    return Enrolled(config.gateway, answer.epoch, str(path))


def _keep_mark(config: GatewayConfig) -> None:
    """Keep the guard's last word beside the journal: a salvage proves records by it.

    Raises `JournalError`.
    """
    try:
        mark = Guard(GuardFile(config.guard.path)).read()
    except RolledBack:
        return
    journal = journal_path(config.journal, mark.epoch)
    if mark.gateway == config.gateway and journal.exists() and not kept_mark(journal).exists():
        try:
            Guard(GuardFile(kept_mark(journal))).create(mark)
        except OSError as error:
            told = detail("file-fails", journal=kept_mark(journal), fault=of_system(error))
            raise JournalError(told) from error


def _ask(config: GatewayConfig, code: str, key: SigningKey, reason: str, now: datetime) -> _Answer:
    body = {
        "code": code,
        "gateway": config.gateway,
        "public": key.public.hex(),
        "reason": reason,
        "at": format_time(now),  # the register refuses a clock that is off
    }
    url = config.central.url.rstrip("/") + "/enroll"
    try:
        response = httpx.post(url, json=body, timeout=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise EnrolmentRefused(f"{url}: {error}") from error
    if response.status_code >= 400:
        raise EnrolmentRefused(f"{url}: {_detail(response)}")
    try:
        answer = _Answer.model_validate_json(response.content)
    except ValidationError as error:
        raise EnrolmentRefused(f"{url}: the answer is not an enrolment: {error}") from error
    if answer.gateway != config.gateway:
        raise EnrolmentRefused(f"the code is for {answer.gateway}, not for {config.gateway}")
    if {key.use for key in answer.keys} != {"receipt", "plan"}:
        raise EnrolmentRefused(f"{url}: the answer lacks a key for receipts or for plans")
    return answer


def _detail(response: httpx.Response) -> str:
    """Central's own words out of a problem document (RFC 9457), or the status."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict) and "detail" in problem:
        return f"{problem.get('code', response.status_code)}: {problem['detail']}"
    return f"HTTP {response.status_code}"

"""Questions over HTTP: what a device asks, by the signature of its stream's key alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from sqlalchemy import Connection, Engine, text
from starlette.exceptions import HTTPException

from central.access.attempts import Attempts
from central.errors import NotEnabled, Refused
from central.queries import devices, field
from central.queries.devices import Disagreements, Wanted
from central.queries.field import FieldCodes, FieldWork
from central.queries.reading import snapshot
from central.register.devices.service import DEVICE, Device
from central.said import said
from gateway.contract.errors import SignatureInvalid
from gateway.contract.question import MAX_BYTES, Question, decode_question
from gateway.contract.signed import take_apart

open_to_all = APIRouter(tags=["devices"])
QUESTION = "application/vnd.gjurma.question"
ADDRESS = "/api/v1/questions"
LARGEST = MAX_BYTES
NOBODY = "no key that is valid there signed it"
MOST = 500
"""Disagreements in one answer; the next are asked for from the last one on."""
FRESH = timedelta(days=1)
"""How far the clock of who asks may be off: what was asked long ago is answered to nobody."""

# A device that was enrolled anew asks by its newest epoch's key, and by no older one.
_ASKERS = text(
    "SELECT k.public, s.gateway, s.epoch FROM stream s JOIN stream_key k ON k.stream = s.id"
    " JOIN device d ON d.name = s.gateway"
    " WHERE k.key_id = :key AND k.to_seq IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM stream n WHERE n.gateway = s.gateway AND n.epoch > s.epoch)"
)


@open_to_all.post(
    "/questions",
    response_model=Disagreements | FieldWork | FieldCodes,
    responses={403: {}, 404: {}, 415: {}, 429: {}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {QUESTION: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def ask(request: Request) -> Response:
    """A device's: where the register disagrees with its scans, its places and consignments, or what
    codes name. The bytes of the contract; nothing is kept of it."""
    if request.app.state.receipt_key is None:
        raise NotEnabled("this server takes no batches")
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != QUESTION:
        raise HTTPException(415, f"Content-Type: {QUESTION}")
    payload = await request.body()
    answer = await run_in_threadpool(_ask, request, payload)
    return Response(answer.model_dump_json(), media_type="application/json")


def _ask(request: Request, payload: bytes) -> Disagreements | FieldWork | FieldCodes:
    engine: Engine = request.app.state.pools.devices
    tried: Attempts = request.app.state.signatures
    sender = "" if request.client is None else request.client.host
    with snapshot(engine) as connection:
        # By the key too: who forges locks out nobody else at the same address.
        with tried.attempt(f"{sender} {take_apart('question', payload).key_id}"):
            device, question = _who(connection, payload)
        if abs(datetime.now(UTC) - question.at) > FRESH:
            raise Refused(said("at: {at} is more than a day from now", at=question.at))
        match question.asks:
            case "work":
                return field.work(connection, device)
            case "codes":
                return field.codes(connection, device, question.codes)
            case "disagreements":
                wanted = Wanted(question.epoch, question.first)
                found = devices.disagreements(connection, device.name, MOST, None, wanted)
                return field.own(connection, device, found)


def _who(connection: Connection, payload: bytes) -> tuple[Device, Question]:
    """Raises `SignatureInvalid`, with one answer for whatever is not right."""
    asker: Any = None

    def public_key(key: str) -> bytes | None:
        nonlocal asker
        asker = connection.execute(_ASKERS, {"key": key}).first()
        return None if asker is None else bytes(asker.public)

    try:
        question = decode_question(payload, public_key)
    except SignatureInvalid as error:
        raise SignatureInvalid(NOBODY) from error
    device = DEVICE.load(connection, question.gateway)
    if device is None or asker is None:
        raise SignatureInvalid(NOBODY)
    if (asker.gateway, asker.epoch) != (question.gateway, question.epoch):
        raise SignatureInvalid(NOBODY)
    return device, question

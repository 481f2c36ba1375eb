"""Batches over HTTP: by the signature of their stream's key, and by nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from psycopg.rows import TupleRow
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from central import keys
from central.access.attempts import Attempts
from central.db import may_pass, unavailable
from central.errors import NotEnabled
from central.ingest import intake
from gateway.contract.batch import MAX_BYTES
from gateway.contract.errors import SignatureInvalid
from gateway.contract.signed import SigningKey

open_to_all = APIRouter(tags=["devices"])
BATCH, RECEIPT = "application/vnd.gjurma.batch", "application/vnd.gjurma.receipt"
ADDRESS = "/api/v1/batches"
LARGEST = MAX_BYTES + 8 * 1024
"""Of a batch: its records, its header and its signature."""
_BINARY = {"schema": {"type": "string", "format": "binary"}}


def attempts() -> Attempts:
    """By where it comes from and whose it claims to be: who forges locks out nobody else."""
    return Attempts(what="signatures", failed_by=(SignatureInvalid,))


@open_to_all.post(
    "/batches",
    response_class=Response,
    responses={
        200: {"content": {RECEIPT: _BINARY}, "description": "The receipt, signed"},
        403: {},
        404: {},
        415: {},
        429: {},
    },
    openapi_extra={"requestBody": {"required": True, "content": {BATCH: _BINARY}}},
)
async def bring(request: Request) -> Response:
    """The next records of a device, or of a gateway: the bytes of the contract. Sent again, it is
    answered by the receipt as it stands then."""
    key: SigningKey | None = request.app.state.receipt_key
    if key is None:
        raise NotEnabled("this server takes no batches")
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != BATCH:
        raise HTTPException(415, f"Content-Type: {BATCH}")
    payload = await request.body()
    receipt = await run_in_threadpool(_bring, request, key, payload)
    return Response(receipt, media_type=RECEIPT)


def _bring(request: Request, key: SigningKey, payload: bytes) -> bytes:
    engine: Engine = request.app.state.pools.devices
    tried: Attempts = request.app.state.signatures
    plan_keys = keys.plan_keys(request.app.state.central_keys)
    batch = intake.unproved(payload)
    sender = "" if request.client is None else request.client.host
    with _connection(engine) as connection:
        with tried.attempt(f"{sender} {batch.header.gateway}"), connection.transaction():
            intake.prove(connection, batch)
        receipt = intake.answer(connection, key, plan_keys, batch, payload)
    if receipt is None:
        raise RuntimeError("a batch was not stored, and is kept as evidence")
    return receipt


@contextmanager
def _connection(engine: Engine) -> Iterator[psycopg.Connection[TupleRow]]:
    """As ingest has one. Raises `DatabaseUnavailable`."""
    try:
        pooled = engine.raw_connection()
    except DBAPIError as error:
        raise unavailable(error.orig) from error
    try:
        driver = pooled.driver_connection
        assert isinstance(driver, psycopg.Connection)
        yield driver
    except psycopg.Error as error:
        pooled.invalidate(error)
        if not may_pass(error):
            raise
        raise unavailable(error) from error
    finally:
        pooled.close()

"""Sending a label to a printer, and saying what is known of it: sent is not printed."""

import errno
import logging
import socket
import time

from central.config import Printer
from central.errors import PrinterAway, PrinterBrokenOff, PrinterNotReady
from central.labels import status
from central.said import Said, Word, joined, said

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 1.0
"""So long may a printer take to say how it is; one that says nothing is sent the label all the
same, unconfirmed."""
SEND_SECONDS = 10.0
READY, UNCONFIRMED = "ready", "unconfirmed"
NO_WAY, OTHERWISE = "no way leads to it", "the connection failed"
FAULTS: tuple[tuple[type[OSError], str], ...] = (
    (TimeoutError, "it did not answer in time"),
    (ConnectionRefusedError, "it takes no connection"),
    (ConnectionError, "it hung up"),
    (socket.gaierror, "the network does not know its name"),
    (OSError, OTHERWISE),
)
"""By what the system says, the first that it is, what people are told."""
log = logging.getLogger("central.labels")


def send(printer: Printer, label: bytes) -> str:
    """What the printer said of itself before, and after where that differs.

    Raises `PrinterAway` and `PrinterNotReady`, when it was sent nothing, and `PrinterBrokenOff`.
    """
    try:
        wire = socket.create_connection((printer.host, printer.port), CONNECT_SECONDS)
    except OSError as error:
        raise PrinterAway(_broken(printer, error)) from error
    with wire:
        try:
            before = _asked(wire)
        except OSError as error:
            raise PrinterAway(_broken(printer, error)) from error
        if before not in (READY, UNCONFIRMED):
            raise PrinterNotReady(
                said(
                    "printer {printer} says: {state}",
                    printer=printer.name,
                    state=joined(", ", (Word(each, "printer") for each in before.split(", "))),
                )
            )
        try:
            wire.settimeout(SEND_SECONDS)
            wire.sendall(label)
            # What the network still held when the line broke shows only when something is read.
            after = _asked(wire, may_end=True)
        except OSError as error:
            raise PrinterBrokenOff(_broken(printer, error)) from error
    return before if after == before else f"{before}, then {after}"


def _broken(printer: Printer, error: OSError) -> Said:
    log.warning("printer %s: %s", printer.name, error)
    fault = next(told for kind, told in FAULTS if isinstance(error, kind))
    if fault == OTHERWISE and error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        fault = NO_WAY
    return said("printer {printer}: {fault}", printer=printer.name, fault=Word(fault, "socket"))


def _asked(wire: socket.socket, *, may_end: bool = False) -> str:
    """`ready`, `unconfirmed`, or what it lacks. Raises OSError where the line has ended, and not
    in good order where it `may_end`."""
    until = time.monotonic() + ANSWER_SECONDS
    answer = b""
    wire.sendall(status.ASK)
    while not status.is_whole(answer):
        wire.settimeout(max(until - time.monotonic(), 0.001))
        try:
            more = wire.recv(1024)
        except TimeoutError:
            return UNCONFIRMED
        if not more and may_end:
            return UNCONFIRMED
        if not more:
            raise ConnectionResetError("it hung up")
        answer += more
    found = status.faults(answer)
    if found is None:
        return UNCONFIRMED
    return ", ".join(found) or READY

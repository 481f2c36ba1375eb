"""Printing over TCP: what is known of it is told, and no more."""

import errno
import socket
import threading
from collections.abc import Iterator

import pytest

from central.config import Printer
from central.errors import PrinterAway, PrinterBrokenOff, PrinterNotReady
from central.labels import labels, printing
from central.screens.refusals import in_words
from simulators.zebra_zpl import ZebraZpl
from tests.labels.drawn import PALLET, read, symbol_of
from tests.support.printer import LabelPrinter
from tests.support.wait import wait_for

LABEL = labels.as_zpl(PALLET, "sq", 8, copies=2)


@pytest.fixture
def printer() -> Iterator[LabelPrinter]:
    with LabelPrinter.running() as running:
        yield running


def named(address: str) -> Printer:
    return Printer(name="P", address=address, site="UMG.GR")


def test_what_a_printer_took_comes_out_of_it(printer: LabelPrinter) -> None:
    assert printing.send(named(printer.address), LABEL) == "ready"
    wait_for("two copies", lambda: printer.count == 2)
    (out,) = printer.device.printed
    assert read(out.image) == symbol_of(PALLET)


@pytest.mark.parametrize(
    ("lacks", "said"), [("paper", "paper-out"), ("head", "head-open"), ("pause", "paused")]
)
def test_one_that_says_that_it_cannot_is_sent_nothing(
    printer: LabelPrinter, lacks: str, said: str
) -> None:
    printer.lacks(lacks)
    with pytest.raises(PrinterNotReady, match=said):
        printing.send(named(printer.address), LABEL)
    assert printer.device.state()["waiting"] == 0
    printer.lacks(lacks, on=False)
    assert printing.send(named(printer.address), LABEL) == "ready"


def test_one_that_says_nothing_is_sent_it_unconfirmed() -> None:
    """Which may be one that is out of paper: it keeps the label, and prints it later."""
    with LabelPrinter.running(ZebraZpl(silent=True)) as printer:
        printer.lacks("paper")
        assert printing.send(named(printer.address), LABEL) == "unconfirmed"
        wait_for("the label waits", lambda: printer.device.state()["waiting"] == 1)
        assert printer.count == 0
        printer.lacks("paper", on=False)
        assert printer.count == 2


def test_one_that_is_not_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(PrinterAway) as caught:
        printing.send(named(address), LABEL)
    assert str(caught.value).endswith(": it takes no connection")
    assert str(in_words(caught.value, "sq")).endswith(": nuk pranon lidhje")


def test_a_line_that_breaks_while_it_is_sent() -> None:
    """Nobody knows how far it came, so it is not said to have been sent nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            line, _ = server.accept()
            line.recv(3)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            line.sendall(b"\x02030,0,0,1184,000,0,0,0,000,0,0,0\x03\r\n")
            line.sendall(b"\x02000,0,0,0,1,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n")
            line.recv(100)
            line.close()

        peer = threading.Thread(target=hang_up)
        peer.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(PrinterBrokenOff) as caught:
            printing.send(named(address), LABEL * 2_000)
        assert str(in_words(caught.value, "sq")).endswith(": e mbylli lidhjen")
        peer.join(10)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TimeoutError("timed out"), "nuk u përgjigj në kohë"),
        (socket.gaierror(-2, "Name or service not known"), "rrjeti nuk e njeh emrin e tij"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "rrjeti nuk të çon tek ai"),
        (OSError(errno.EMFILE, "Too many open files"), "lidhja dështoi"),
    ],
)
def test_what_the_system_says_of_the_line_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, error: OSError, told: str
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr("central.labels.printing.socket.create_connection", fails)
    with pytest.raises(PrinterAway) as caught:
        printing.send(named("127.0.0.1:1"), LABEL)
    assert str(in_words(caught.value, "sq")).endswith(f": {told}")
    assert error.args[-1] not in str(caught.value)

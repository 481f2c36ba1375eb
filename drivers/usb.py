"""Finds the port of a USB adapter by the adapter's serial number, whatever its name is today.

pyserial's list of ports is asked, and not the links of `/dev/serial/by-id`: those need udev, which
containers do not have, and two adapters that say the same of themselves share one link there, which
leads to either. Here that is an error.
"""

from collections.abc import Sequence

from serial.tools.list_ports import comports
from serial.tools.list_ports_common import ListPortInfo

from drivers.address import SerialTarget, UsbAdapter
from drivers.errors import LinkClosed


def path_of(target: SerialTarget, device: str) -> str:
    """Where the port lies now. Raises LinkClosed if the adapter is not there, or is not one alone.

    Blocks for as long as the system's list of ports takes, some milliseconds.
    """
    if target.usb is None:
        return target.path
    try:
        ports = list(comports())
    except (OSError, TypeError, ValueError) as fault:  # an adapter went while it was looked at
        raise LinkClosed(device, "connect", f"the ports could not be listed: {fault}") from fault
    found = [port for port in ports if _is(port, target.usb)]
    if len(found) == 1:
        return str(found[0].device)
    raise LinkClosed(device, "connect", _why(target.usb, ports, found))


def _is(port: ListPortInfo, wanted: UsbAdapter) -> bool:
    same = port.serial_number == wanted.serial_number
    return same and wanted.interface in (None, _interface(port))


def _interface(port: ListPortInfo) -> int:
    """The last number of `1-1.4:1.2`; an adapter with one interface has no such end."""
    _, colon, end = (port.location or "").partition(":")
    number = end.rpartition(".")[2]
    return int(number) if colon and number.isdigit() else 0


def _why(wanted: UsbAdapter, ports: Sequence[ListPortInfo], found: Sequence[ListPortInfo]) -> str:
    where = "" if wanted.interface is None else f", interface {wanted.interface}"
    what = f"USB adapter {wanted.serial_number}{where}"
    adapters = found or [port for port in ports if port.serial_number]
    told = ", ".join(
        f"{port.serial_number} interface {_interface(port)} ({port.device})" for port in adapters
    )
    if found:
        return f"more than one port is {what}: {told}"
    return f"no {what}; there is {told or 'no adapter with a serial number'}"

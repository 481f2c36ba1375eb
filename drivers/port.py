"""Names why a device file did not open: the path, the reason, the next step."""

import errno
import grp
import os
import stat
from pathlib import Path

from drivers.errors import LinkClosed, LinkError, PortBusy, PortDenied

_LIST = "`python -m serial.tools.list_ports -v` lists the serial ports"
_SERIAL = {
    errno.ENOENT: _LIST,
    errno.ENOTTY: f"it is no serial port; {_LIST}",
    errno.EISDIR: f"it is a folder; {_LIST}",
    errno.EIO: f"the system has no hardware behind this name; {_LIST}",
    errno.EINVAL: "it cannot be set as the URL says; correct baudrate, bytesize, parity, stopbits",
}


def port_error(device: str, path: str, fault: OSError) -> LinkError:
    """Return the error for a serial port that did not open."""
    number = _number(fault)
    if number is None:
        return LinkClosed(device, "connect", f"{path}: {fault}")
    hint = f"; {_SERIAL[number]}" if number in _SERIAL else ""
    return _error(device, "connect", path, number) or LinkClosed(
        device, "connect", f"{path}: {os.strerror(number)}{hint}"
    )


def file_error(device: str, operation: str, path: str, fault: OSError) -> LinkError:
    """Return the error for any other device file, as a camera's."""
    return _error(device, operation, path, fault.errno or 0) or LinkClosed(
        device, operation, f"{path}: {fault.strerror}"
    )


def _error(device: str, operation: str, path: str, number: int) -> LinkError | None:
    if number in (errno.EAGAIN, errno.EBUSY):
        said = f"another program has it open; `fuser -v {path}` names it"
        return PortBusy(device, operation, f"{path}: {said}")
    if number in (errno.EACCES, errno.EPERM):
        return PortDenied(device, operation, f"{path}: {os.strerror(number)}{_group(path)}")
    return None


def _number(fault: OSError) -> int | None:
    """Return the system's error number; pyserial hides it where it sets the line (termios)."""
    if fault.errno is None and fault.__context__ is not None and fault.__context__.args:
        number = fault.__context__.args[0]
        return number if isinstance(number, int) else None
    return fault.errno


def _group(path: str) -> str:
    """Name the group that may open the file, where there is one."""
    try:
        file = Path(path).stat()
        if not file.st_mode & stat.S_IRGRP or not file.st_mode & stat.S_IWGRP:
            return "; only its owner may open it: `ls -l` shows who that is"
        group = grp.getgrgid(file.st_gid).gr_name
    except (OSError, KeyError):
        return ""
    return (
        f"; the group {group} may open it: `sudo usermod -aG {group} USER`, then log in anew"
        " and restart the service"
    )

"""A port that does not open says its path, why, and what to do next."""

import errno
import grp
from pathlib import Path

import pytest

from drivers.errors import DeviceError, LinkClosed, LinkError, PortBusy, PortDenied, Retry
from drivers.modbus_cell.driver import KIND as CELL
from drivers.port import file_error, port_error
from drivers.transport import open_stream


def test_a_port_that_the_user_may_not_open_names_the_group(tmp_path: Path) -> None:
    port = tmp_path / "ttyS9"
    port.touch()
    port.chmod(0o660)
    group = grp.getgrgid(port.stat().st_gid).gr_name
    for fault in (
        port_error("laser", str(port), OSError(errno.EACCES, "no")),
        file_error("camera", "connect", str(port), OSError(errno.EACCES, "no")),
    ):
        assert isinstance(fault, PortDenied)
        assert (fault.code, fault.retry) == ("port-denied", Retry.OPERATOR)
        assert f"usermod -aG {group} USER" in fault.detail
        assert str(port) in fault.detail
    port.chmod(0o600)
    denied = port_error("laser", str(port), OSError(errno.EACCES, "no"))
    assert "only its owner may open it" in denied.detail


@pytest.mark.parametrize(
    ("number", "kind", "told"),
    [
        (errno.EBUSY, PortBusy, "another program has it open; `fuser -v /dev/x` names it"),
        (errno.EAGAIN, PortBusy, "another program"),
        (errno.EIO, LinkClosed, "no hardware behind this name"),
        (errno.ENOENT, LinkClosed, "No such file or directory; `python -m serial.tools"),
    ],
)
def test_each_error_of_the_system_has_its_next_step(
    number: int, kind: type[LinkError], told: str
) -> None:
    fault = port_error("laser", "/dev/x", OSError(number, "?"))
    assert type(fault) is kind
    assert told in fault.detail


async def test_a_file_that_is_no_port_is_told_in_words() -> None:
    with pytest.raises(
        LinkClosed, match="/dev/null: Inappropriate ioctl for device; it is no"
    ) as one:
        await open_stream("serial:///dev/null", "laser")
    cell = CELL.build("serial:///dev/null", CELL.options(), "cell")
    with pytest.raises(DeviceError) as other:
        await cell.connect()
    for fault in (one, other):
        assert "(25" not in str(fault.value)
        assert "it is no serial port" in str(fault.value)

"""What can go wrong at a device: what may the caller do next, could metal have been marked?

`gateway.contract.errors` has the same shape for the rest of the system: `drivers` imports no
other folder, so the two roots stay apart (decision 0002).
"""

from enum import Enum


class Retry(Enum):
    """What the caller may do after an error."""

    SAFE = "safe"
    AFTER_STATE_CHANGE = "after-state-change"
    OPERATOR = "operator"
    NEVER = "never"


class DeviceError(Exception):
    """A device did not do what was asked; `device` and `operation` say which and what."""

    code = "device-error"
    retry = Retry.OPERATOR

    def __init__(self, device: str, operation: str, detail: str) -> None:
        super().__init__(f"{device}: {operation}: {detail}")
        self.device = device
        self.operation = operation
        self.detail = detail


class LinkError(DeviceError):
    """The wire failed. Safe to repeat only while the device is not armed."""

    code = "link-error"
    retry = Retry.SAFE


class LinkTimeout(LinkError):
    """No complete reply before the deadline."""

    code = "link-timeout"


class LinkClosed(LinkError):
    """The port or the connection is gone."""

    code = "link-closed"


class PortBusy(LinkError):
    """Another program holds the port."""

    code = "port-busy"


class PortDenied(LinkError):
    """The system does not let this user open the port; a retry changes nothing."""

    code = "port-denied"
    retry = Retry.OPERATOR


class NotTrusted(LinkError):
    """The other end of a TLS connection is not proved to be the one that is meant."""

    code = "not-trusted"
    retry = Retry.OPERATOR


class ProtocolError(DeviceError):
    """Bytes arrived that the protocol does not allow. Resynchronise; repeat reads only."""

    code = "protocol-error"
    retry = Retry.OPERATOR


class BadChecksum(ProtocolError):
    """A frame whose checksum does not match."""

    code = "bad-checksum"


class BadFrame(ProtocolError):
    """Bytes that are no frame of this protocol."""

    code = "bad-frame"


class UnexpectedReply(ProtocolError):
    """A well-formed frame that does not answer what was asked."""

    code = "unexpected-reply"


class DeviceRefused(DeviceError):
    """The device understood and declined; the manual defines this as *nothing was started*."""

    code = "device-refused"
    retry = Retry.AFTER_STATE_CHANGE

    def __init__(self, device: str, operation: str, detail: str, vendor_code: str) -> None:
        super().__init__(device, operation, detail)
        self.vendor_code = vendor_code


class DeviceFault(DeviceError):
    """The device is in alarm; a person has to look at it."""

    code = "device-fault"
    retry = Retry.OPERATOR

    def __init__(self, device: str, operation: str, detail: str, alarm: str) -> None:
        super().__init__(device, operation, detail)
        self.alarm = alarm


class OutcomeUnknown(DeviceError):
    """From ARMED on: metal may or may not be marked. Never mark again; read the part."""

    code = "outcome-unknown"
    retry = Retry.NEVER

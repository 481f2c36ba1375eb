"""Pictures of a camera that this machine drives: Video4Linux2, by the kernel's own interface.

Buffers are mapped, filled while the stream is on, and carry the time at which the kernel took them,
of the clock that `time.monotonic` reads: so it is known of each picture whether it is older than
the session. MJPEG is kept as it comes; grey and YUYV become PNG files.

Numbers and layouts are those of `linux/videodev2.h` for 64-bit machines. Unverified: all that only
a device can show. No camera was there: tried is what is told of a missing one, of a file and of a
device of another kind.
"""

import asyncio
import ctypes
import errno
import fcntl
import io
import mmap
import os
import stat
from pathlib import Path

from PIL import Image

from drivers import clock
from drivers.errors import DeviceRefused, LinkClosed, LinkError, LinkTimeout
from drivers.port import file_error
from drivers.protocols import Identity

_BUFFERS = 3
_CAPTURE, _MMAP = 1, 1
_STREAMING, _VIDEO_CAPTURE, _DEVICE_CAPS = 0x04000000, 0x00000001, 0x80000000
_MONOTONIC, _TIMESTAMPS, _ERROR = 0x2000, 0xE000, 0x0040
MJPEG, JPEG, GREY, YUYV = (
    int.from_bytes(name, "little") for name in (b"MJPG", b"JPEG", b"GREY", b"YUYV")
)


class Capability(ctypes.Structure):
    _fields_ = (
        ("driver", ctypes.c_char * 16),
        ("card", ctypes.c_char * 32),
        ("bus", ctypes.c_char * 32),
        ("version", ctypes.c_uint32),
        ("capabilities", ctypes.c_uint32),
        ("device_caps", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 3),
    )


class Format(ctypes.Structure):
    """`v4l2_format` with the picture's half of its union; `rest` is the room of the others."""

    _fields_ = (
        ("type", ctypes.c_uint64),
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("pixels", ctypes.c_uint32),
        ("field", ctypes.c_uint32),
        ("line", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("rest", ctypes.c_uint8 * 176),
    )


class Request(ctypes.Structure):
    _fields_ = (
        ("count", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("memory", ctypes.c_uint32),
        ("capabilities", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
    )


class Buffer(ctypes.Structure):
    _fields_ = (
        ("index", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("used", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("field", ctypes.c_uint32),
        ("padding", ctypes.c_uint32),
        ("seconds", ctypes.c_int64),
        ("microseconds", ctypes.c_int64),
        ("timecode", ctypes.c_uint8 * 16),
        ("sequence", ctypes.c_uint32),
        ("memory", ctypes.c_uint32),
        ("offset", ctypes.c_uint64),
        ("length", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 3),
    )


def _number(way: int, number: int, size: int) -> int:
    """`_IOC` of asm-generic/ioctl.h; 1 writes, 2 reads, 3 both."""
    return way << 30 | size << 16 | ord("V") << 8 | number


QUERYCAP = _number(2, 0, ctypes.sizeof(Capability))
S_FMT = _number(3, 5, ctypes.sizeof(Format))
REQBUFS = _number(3, 8, ctypes.sizeof(Request))
QUERYBUF = _number(3, 9, ctypes.sizeof(Buffer))
QBUF = _number(3, 15, ctypes.sizeof(Buffer))
DQBUF = _number(3, 17, ctypes.sizeof(Buffer))
STREAMON = _number(1, 18, ctypes.sizeof(ctypes.c_int))
STREAMOFF = _number(1, 19, ctypes.sizeof(ctypes.c_int))


class VideoSource:
    """Implements `drivers.camera.source.Source`. `size` in pixels: the device takes its nearest."""

    def __init__(self, path: Path, device: str, size: tuple[int, int]) -> None:
        self._path = path
        self._device = device
        self._size = size
        self._file = -1
        self._format = Format()
        self._maps: list[mmap.mmap] = []
        self._is_on = False
        self._capability = Capability()

    async def connect(self, operation: str) -> None:
        if self._file >= 0:
            return
        try:
            await asyncio.to_thread(self._open, operation)
        except BaseException:
            await self.close()
            raise

    async def identify(self, operation: str) -> Identity:
        told = self._capability
        version = ".".join(str(told.version >> shift & 0xFF) for shift in (16, 8, 0))
        return Identity("", told.card.decode("utf-8", "replace"), version)

    async def begin(self, operation: str) -> None:
        await asyncio.to_thread(self._stream_on, operation)

    async def next(self, earliest: float, deadline: float, operation: str) -> bytes | None:
        if not self._is_on:
            raise LinkClosed(self._device, operation, "the stream is off")
        while (left := deadline - clock.now()) > 0 and await self._readable(left):
            data = self._taken(earliest, operation)
            if data:
                return await asyncio.to_thread(_as_file, data, self._format)
        return None

    async def end(self, operation: str) -> None:
        await asyncio.to_thread(self._stream_off, operation)

    async def close(self) -> None:
        self._is_on = False
        for each in self._maps:
            each.close()
        self._maps = []
        if self._file >= 0:
            os.close(self._file)  # which also ends the stream
            self._file = -1

    def _open(self, operation: str) -> None:
        try:
            if not stat.S_ISCHR(self._path.stat().st_mode):
                raise LinkClosed(self._device, operation, f"{self._path} is no device")
            self._file = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as fault:
            raise self._told(fault, operation) from fault
        try:
            self._ask(QUERYCAP, self._capability)
        except OSError as fault:
            if fault.errno in (errno.ENOTTY, errno.EINVAL):
                raise self._refused(operation, "is no video device", "querycap") from fault
            raise self._told(fault, operation) from fault
        able = self._capability.capabilities
        able = self._capability.device_caps if able & _DEVICE_CAPS else able
        if not (able & _VIDEO_CAPTURE and able & _STREAMING):
            raise self._refused(operation, "gives no pictures", f"{able:08x}")
        try:
            self._choose_format(operation)
            self._map()
        except OSError as fault:
            raise self._told(fault, operation) from fault

    def _choose_format(self, operation: str) -> None:
        width, height = self._size
        for pixels in (MJPEG, GREY, YUYV):
            wanted = Format(type=_CAPTURE, width=width, height=height, pixels=pixels)
            try:
                self._ask(S_FMT, wanted)
            except OSError as fault:
                if fault.errno != errno.EINVAL:
                    raise
                continue
            if wanted.pixels in (pixels, JPEG):
                self._format = wanted
                return
        raise self._refused(operation, "has neither MJPEG, nor grey, nor YUYV", "format")

    def _map(self) -> None:
        request = Request(count=_BUFFERS, type=_CAPTURE, memory=_MMAP)
        self._ask(REQBUFS, request)
        for index in range(request.count):
            buffer = Buffer(index=index, type=_CAPTURE, memory=_MMAP)
            self._ask(QUERYBUF, buffer)
            self._maps.append(
                mmap.mmap(
                    self._file,
                    buffer.length,
                    mmap.MAP_SHARED,
                    mmap.PROT_READ | mmap.PROT_WRITE,
                    offset=buffer.offset & 0xFFFFFFFF,
                )
            )

    def _stream_on(self, operation: str) -> None:
        """Off first, so that no buffer holds an older picture; then empty buffers, then on."""
        self._stream_off(operation)
        try:
            for index in range(len(self._maps)):
                self._ask(QBUF, Buffer(index=index, type=_CAPTURE, memory=_MMAP))
            self._ask(STREAMON, ctypes.c_int(_CAPTURE))
        except OSError as fault:
            raise self._told(fault, operation) from fault
        self._is_on = True

    def _stream_off(self, operation: str) -> None:
        if self._file < 0:
            raise LinkClosed(self._device, operation, "not connected")
        try:
            self._ask(STREAMOFF, ctypes.c_int(_CAPTURE))
        except OSError as fault:
            raise self._told(fault, operation) from fault
        self._is_on = False

    async def _readable(self, seconds: float) -> bool:
        """Whether a buffer is filled; waited for in the loop, so that it can be given up."""
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._file, ready.set)
        try:
            async with asyncio.timeout(seconds):
                await ready.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(self._file)
        return True

    def _taken(self, earliest: float, operation: str) -> bytes:
        """What is in the next filled buffer; nothing if it is too old or damaged."""
        buffer = Buffer(type=_CAPTURE, memory=_MMAP)
        try:
            self._ask(DQBUF, buffer)
            data = self._maps[buffer.index][: buffer.used]
            self._ask(QBUF, Buffer(index=buffer.index, type=_CAPTURE, memory=_MMAP))
        except BlockingIOError:
            return b""
        except OSError as fault:
            raise self._told(fault, operation) from fault
        if buffer.flags & _TIMESTAMPS != _MONOTONIC:
            raise self._refused(operation, "does not say when it took a picture", "timestamp")
        taken = buffer.seconds + buffer.microseconds / 1e6
        return data if taken >= earliest and not buffer.flags & _ERROR else b""

    def _ask(self, number: int, about: ctypes.Structure | ctypes.c_int) -> None:
        """One ioctl. Raises OSError."""
        fcntl.ioctl(self._file, number, about)

    def _refused(self, operation: str, why: str, code: str) -> DeviceRefused:
        return DeviceRefused(self._device, operation, f"{self._path} {why}", code)

    def _told(self, fault: OSError, operation: str) -> LinkError:
        if fault.errno == errno.ETIMEDOUT:
            return LinkTimeout(self._device, operation, f"{self._path}: {fault.strerror}")
        return file_error(self._device, operation, str(self._path), fault)


def _as_file(data: bytes, form: Format) -> bytes:
    if form.pixels in (MJPEG, JPEG):
        return data
    line = form.line
    if form.pixels == YUYV:  # every other byte is brightness
        data, line = data[::2], line // 2
    file = io.BytesIO()
    size = (form.width, form.height)
    Image.frombuffer("L", size, data, "raw", "L", line, 1).save(file, "PNG", compress_level=1)
    return file.getvalue()

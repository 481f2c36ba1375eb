"""A device behind TLS: nothing is said to one whose certificate does not prove who it is."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.errors import LinkClosed, LinkTimeout, NotTrusted, Retry
from drivers.transport import open_stream
from tests.e2e.certificates import Authority, Certificate


@asynccontextmanager
async def server(
    certificate: Certificate, client_ca: Path | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """An echo behind TLS: its port, and all that it was told."""
    heard: list[bytes] = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca)
    context.load_cert_chain(certificate.cert, certificate.key)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            heard.append(data)
            writer.write(data)
        writer.close()

    listening = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context)
    try:
        yield listening.sockets[0].getsockname()[1], heard
    finally:
        listening.close()
        await listening.wait_closed()


async def said(url: str) -> bytes:
    """What an echo behind that URL answers."""
    stream = await open_stream(url, "laser")
    try:
        await stream.write(b"who is there?")
        return await stream.read()
    finally:
        await stream.close()


async def test_a_device_whose_certificate_holds(tmp_path: Path) -> None:
    authority = Authority.new(tmp_path, "line")
    async with server(authority.server("moxa", "127.0.0.1")) as (port, _):
        assert await said(f"tls://127.0.0.1:{port}?ca={authority.ca}") == b"who is there?"


@pytest.mark.parametrize(
    ("ca", "name", "why"),
    [
        ("other", "", "self-signed|unable to get local issuer"),
        ("", "", "self-signed|unable to get local issuer"),  # not among the system's own
        ("line", "127.0.0.2", "mismatch"),
        ("line", "laser-3", "mismatch"),
    ],
)
async def test_nothing_is_said_to_a_stranger(tmp_path: Path, ca: str, name: str, why: str) -> None:
    for each in ("line", "other"):
        Authority.new(tmp_path, each)
    authority = Authority.new(tmp_path, "line")
    async with server(authority.server("moxa", "127.0.0.1")) as (port, heard):
        settings = [f"ca={tmp_path / ca}.crt"] if ca else []
        settings += [f"name={name}"] if name else []
        with pytest.raises(NotTrusted, match=why) as fault:
            await said(f"tls://127.0.0.1:{port}{'?' if settings else ''}{'&'.join(settings)}")
        assert (fault.value.code, fault.value.retry) == ("not-trusted", Retry.OPERATOR)
        assert heard == []


async def test_a_device_that_asks_for_the_clients_certificate(tmp_path: Path) -> None:
    authority = Authority.new(tmp_path, "line")
    own = authority.client("gateway")
    async with server(authority.server("moxa", "127.0.0.1"), authority.ca) as (port, heard):
        url = f"tls://127.0.0.1:{port}?ca={authority.ca}"
        assert await said(f"{url}&cert={own.cert}&key={own.key}") == b"who is there?"
        heard.clear()
        with pytest.raises((NotTrusted, LinkClosed)):  # told after the handshake, in TLS 1.3
            await said(url)
        assert heard == []


async def test_what_speaks_no_tls_and_files_that_are_not_there(tmp_path: Path) -> None:
    authority = Authority.new(tmp_path, "line")

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"login: \r\n")
        writer.close()

    listening = await asyncio.start_server(plain, "127.0.0.1", 0)
    url = f"tls://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    with pytest.raises(
        NotTrusted, match="speaks without TLS; switch TLS on there, or write tcp://127"
    ):
        await said(f"{url}?ca={authority.ca}")
    with pytest.raises(LinkClosed, match="No such file"):
        await said(f"{url}?ca={tmp_path}/none.crt")
    listening.close()
    await listening.wait_closed()


async def test_a_device_that_says_nothing_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.transport.CONNECT_SECONDS", 0.2)
    authority = Authority.new(tmp_path, "line")
    done = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    with pytest.raises(LinkTimeout):
        await said(f"tls://127.0.0.1:{port}?ca={authority.ca}")
    done.set()
    listening.close()
    await listening.wait_closed()


async def test_a_device_that_takes_no_byte_ends_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority.new(tmp_path, "line")
    certificate = authority.server("moxa", "127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.cert, certificate.key)
    done = asyncio.Event()

    async def deaf(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.transport.abort()

    listening_socket = socket.create_server(("127.0.0.1", 0))
    listening_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    listening = await asyncio.start_server(deaf, sock=listening_socket, ssl=context)
    port = listening_socket.getsockname()[1]
    stream = await open_stream(f"tls://127.0.0.1:{port}?ca={authority.ca}", "laser")
    monkeypatch.setattr("drivers.transport.WRITE_SECONDS", 0.1)
    try:
        await stream.write(bytes(16 * 1024 * 1024))  # the library takes it whole
        with pytest.raises(LinkClosed, match="took no byte"):
            await stream.write(bytes(1024 * 1024))
        with pytest.raises(LinkClosed):
            await stream.write(b"next")
    finally:
        async with asyncio.timeout(5):
            await stream.close()
        done.set()
        listening.close()
        await listening.wait_closed()

"""`gjurma-sim device zebra-zpl` as a process: pictures in a folder, paper by its back door."""

import asyncio
import socket
from asyncio.subprocess import PIPE
from pathlib import Path
from sys import executable

import pytest
from PIL import Image

from central.labels import labels, status
from simulators.control import ask
from tests.labels.drawn import CRATE, read, symbol_of

pytestmark = pytest.mark.slow


def heard(address: tuple[str, int], sent: bytes) -> bytes:
    with socket.create_connection(address, 10) as wire:
        wire.sendall(sent + status.ASK)
        wire.settimeout(10)
        answer = b""
        while not status.is_whole(answer):
            answer += wire.recv(1024)
    return answer


async def test_it_prints_into_a_folder_and_waits_for_paper(tmp_path: Path) -> None:
    async def run() -> None:
        control = tmp_path / "printer.sock"
        process = await asyncio.create_subprocess_exec(
            *(executable, "-m", "simulators", "device", "zebra-zpl", "--control", str(control)),
            *("--listen", "tcp://127.0.0.1:0", "--option", f"labels={tmp_path}"),
            stdout=PIPE,
        )
        try:
            assert process.stdout is not None
            url = (await process.stdout.readline()).decode().strip()
            host, _, port = url.removeprefix("tcp://").rpartition(":")
            address = (host, int(port))
            await ask(control, {"op": "paper"})
            label = labels.as_zpl(CRATE, "sq", 8, copies=3)
            answer = await asyncio.to_thread(heard, address, label)
            assert status.faults(answer) == ("paper-out",)
            state = (await ask(control, {"op": "state"}))["state"]
            assert (state["waiting"], state["printed"]) == (1, 0)
            await ask(control, {"op": "paper", "on": False})
            assert status.faults(await asyncio.to_thread(heard, address, b"")) == ()
            assert (await ask(control, {"op": "state"}))["state"]["printed"] == 3
        finally:
            process.terminate()
            assert await process.wait() == 0

    await run()
    with Image.open(tmp_path / "0001.png") as picture:
        assert read(picture.convert("L")) == symbol_of(CRATE)

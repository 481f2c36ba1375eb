"""Draws papers, in a process of their own: one takes seconds of a processor.

In the gateway's own process each would hold up every station's next step for that long.
"""

import asyncio
import contextlib
import json
import logging
import sys

from gateway.moves import Note
from gateway.screen.sheet import Sheet
from gateway.station import NotNow

log = logging.getLogger(__name__)

PROGRAM = (sys.executable, "-P", "-m", "gateway.screen.paper")


class Press:
    """One paper at a time, however many are asked for; no process outlives its paper."""

    def __init__(self) -> None:
        self._free = asyncio.Lock()

    async def draw(self, sheet: Sheet) -> bytes:
        """A PDF; the same sheet gives the same bytes. Raises `NotNow`."""
        pipe = asyncio.subprocess.PIPE
        async with self._free:
            try:
                child = await asyncio.create_subprocess_exec(*PROGRAM, stdin=pipe, stdout=pipe)
            except OSError as error:  # too many processes, or no memory for one more
                log.exception("a paper was not drawn")
                raise NotNow(Note("not-drawn")) from error
            try:
                drawn, _ = await child.communicate(json.dumps(sheet).encode())
            finally:
                if child.returncode is None:  # nobody waits for it any more
                    with contextlib.suppress(ProcessLookupError):
                        child.kill()
                    await child.wait()
        if child.returncode != 0:
            log.error("a paper was not drawn; its process ended with %s", child.returncode)
            raise NotNow(Note("not-drawn"))
        return drawn

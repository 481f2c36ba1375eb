"""What a Keyence MD shows and what can be set in it, each setting believed when it is read back.

Nothing here starts or unlocks anything, so all of it may be repeated.
"""

import asyncio
import contextlib
from dataclasses import dataclass

from drivers import clock
from drivers.errors import DeviceRefused, LinkTimeout, ProtocolError, UnexpectedReply
from drivers.keyence_md import codec
from drivers.keyence_md.codec import (
    Act,
    Answer,
    GetMarked,
    GetText,
    Question,
    Ready,
    Refused,
    SetLock,
    SetShutter,
    SetText,
)
from drivers.keyence_md.conversation import TRIES, Conversation
from drivers.keyence_md.options import Options


@dataclass(frozen=True)
class Seen:
    """What the marker says of itself at one moment; the codes of what is wrong."""

    ready: Ready
    codes: tuple[str, ...] = ()

    @property
    def busy(self) -> bool:
        """It marks, or expands a text."""
        return self.ready is Ready.BUSY

    @property
    def idle(self) -> bool:
        """It waits, if only for the lock to come off: whether it says so then is not told (U)."""
        return self.ready is Ready.ON or self.codes == (codec.LOCKED,)

    @property
    def waits(self) -> bool:
        """It is not ready, and nothing is broken."""
        return bool(self.codes) and all(codec.is_waiting(code) for code in self.codes)

    @property
    def alarm(self) -> str:
        return "busy" if self.busy else " ".join(self.codes) or "not ready, without a code"


class Panel:
    """One marker's state, lock and texts."""

    def __init__(self, marker: Conversation, options: Options, name: str) -> None:
        self._marker = marker
        self._options = options
        self._name = name
        blocks = range(options.code_block + 1, options.code_block + 1 + options.lines)
        self.line_blocks = blocks
        self._idle = (
            (options.code_block, options.idle_code),
            *((block, options.idle_line) for block in blocks),
        )

    async def state(self, operation: str) -> Ready:
        return await self._marker.ask(Question.READY, codec.parse_ready, operation)

    async def look(self, operation: str) -> Seen:
        """Its state, and the codes of what is wrong if it says so."""
        state = await self.state(operation)
        if state is not Ready.ERROR:
            return Seen(state)
        return Seen(state, await self._marker.ask(Question.ERRORS, codec.parse_errors, operation))

    async def settled(self, seconds: float, operation: str) -> Seen:
        """Wait while it is busy, at most so long."""
        deadline = clock.now() + seconds
        while True:
            seen = await self.look(operation)
            if not seen.busy or clock.now() > deadline:
                return seen
            await asyncio.sleep(self._options.poll_seconds)

    async def current_job(self, operation: str) -> int:
        """The number of the job that a trigger would mark."""
        return await self._marker.twice(Question.JOB, codec.parse_job, operation)

    async def shutter_open(self, operation: str) -> bool:
        return await self._marker.ask(Question.SHUTTER, codec.parse_flag, operation)

    async def open_shutter(self, operation: str) -> None:
        """Returns when it is open, or time is up."""
        if not await self.shutter_open(operation):
            await self._marker.tell(SetShutter(True), operation)
            deadline = clock.now() + self._options.busy_seconds
            while clock.now() < deadline:
                if await self.shutter_open(operation):
                    return
                await asyncio.sleep(self._options.poll_seconds)

    async def locked(self, operation: str) -> bool:
        return await self._marker.twice(Question.LOCK, codec.parse_flag, operation)

    async def lock(self, operation: str) -> None:
        await self._safely(SetLock(True), operation)
        if not await self.locked(operation):
            raise UnexpectedReply(self._name, operation, "its triggers are not locked")

    async def holds(self, job: int, block: int, text: str, operation: str) -> bool | None:
        """Whether that block has that text; None where there is no such block, said twice: what the
        marker did not understand may have been another number.
        """
        for _ in range(2):
            found = await self._marker.wonder(GetText(job, block), data, operation)
            if not isinstance(found, Refused):
                return same(found, text)
            if found.code not in (codec.NO_JOB, codec.NO_BLOCK):
                detail = f"block {block} is not told: {codec.meaning(found)} ({found.code})"
                raise UnexpectedReply(self._name, operation, detail)
        return None

    async def is_idle(self, job: int, operation: str) -> bool:
        """No block of ours has another text than its idle one."""
        for block, text in self._idle:
            if await self.holds(job, block, text, operation) is False:
                return False
        return True

    async def set_idle(self, job: int, operation: str) -> list[int]:
        """Set idle texts where others are found. Returns the blocks that the job does not have."""
        missing = []
        for block, text in self._idle:
            holds = await self.holds(job, block, text, operation)
            if holds is None:
                missing.append(block)
            elif not holds:
                await self._safely(SetText(job, block, text), operation)
                if not await self.holds(job, block, text, operation):
                    raise UnexpectedReply(self._name, operation, f"block {block} is not idle")
        return missing

    async def marked(self, job: int, text: str, operation: str) -> bool | None:
        """Whether the code was last marked with that text; None where the marker does not tell."""
        if not self._options.marked_text:
            return None
        question = GetMarked(job, self._options.code_block)
        found = await self._marker.wonder(question, data, operation)
        if isinstance(found, Refused):
            return False if found.code == codec.NEVER_MARKED else None
        return found == text

    async def clear_errors(self, operation: str) -> None:
        """What comes of it is seen by its state: one client says that it is not answered."""
        with contextlib.suppress(LinkTimeout):
            await self._marker.order(Act.CLEAR, operation)
        await self.state(operation)

    async def _safely(self, command: SetLock | SetText, operation: str) -> None:
        """Repeated after a failure or a refusal. A refusal is no DeviceRefused: it says nothing of
        a shot.
        """
        tries = 0
        while True:
            tries += 1
            try:
                return await self._marker.tell(command, operation)
            except DeviceRefused as refusal:
                if tries == TRIES:
                    detail = f"it does not lock or blank: {refusal.detail}"
                    raise UnexpectedReply(self._name, operation, detail) from refusal
            except (LinkTimeout, ProtocolError):
                if tries == TRIES:
                    raise


def data(answer: Answer) -> str:
    return answer.data


def same(found: str, wanted: str) -> bool:
    """Blanks alone are as good as nothing."""
    return found == wanted or not (found.strip() or wanted.strip())

"""The register's news as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from sse_starlette import EventSourceResponse, ServerSentEvent

from central.queries.live import HEARTBEAT_S, Live
from central.queries.telling import Event

RETRY_MS = 1000


def news(
    live: Live, after: int | None, last_event_id: str, *, still: Callable[[], bool]
) -> Response:
    """Marks and what they change, as they are committed; resumes after `last_event_id` or `after`.

    `marks`: a list of Mark, with the cursor as its id · `order`: an OrderProgress · `gateways`: a
    list of Gateway · `refusals`, `evidence`: as their endpoints · `alerts`: Alarms · `pace`: Pace ·
    `sampled`: {"told", "of"}, that `marks` were a sample lately · `database`: {"here": bool} ·
    `hello`: to who resumes from nothing · `ping`: every 10 s · `reset`: too much was missed,
    ask for the overview again · `signed-out`: whoever listens is not who they were any more, by
    `still`, and the stream ends. 503 where too many listen already.
    """
    if live.full:
        return Response(status_code=503, headers={"Retry-After": "5"})
    seen = int(last_event_id) if last_event_id.isdecimal() else after

    async def events() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent(comment="gjurma", retry=RETRY_MS)
        async for event in _while(still, live.subscribe(seen)):
            yield ServerSentEvent(
                event.data, event=event.name, id=None if event.id is None else str(event.id)
            )

    return EventSourceResponse(
        events(),
        ping=HEARTBEAT_S,
        # An event and not a comment, so that a page's own script can tell silence from death.
        ping_message_factory=lambda: ServerSentEvent("{}", event="ping"),
        send_timeout=HEARTBEAT_S,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _while(
    still: Callable[[], bool], events: AsyncGenerator[Event, None]
) -> AsyncIterator[Event]:
    """Each of them, until `still` says no; it is asked every so often, whether any comes or not."""
    loop = asyncio.get_running_loop()
    async with aclosing(events):
        coming = asyncio.ensure_future(anext(events, None))
        ask_at = loop.time() + HEARTBEAT_S
        try:
            while True:
                await asyncio.wait({coming}, timeout=max(0.0, ask_at - loop.time()))
                if loop.time() >= ask_at:
                    if not await run_in_threadpool(still):
                        yield Event("signed-out", "{}")
                        return
                    ask_at = loop.time() + HEARTBEAT_S
                if coming.done():
                    event = coming.result()
                    if event is None:
                        return
                    yield event
                    coming = asyncio.ensure_future(anext(events, None))
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

"""The register's news as server-sent events."""

from collections.abc import AsyncIterator

from fastapi import Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from central.queries.live import HEARTBEAT_S, Live

RETRY_MS = 1000


def news(live: Live, after: int | None, last_event_id: str) -> Response:
    """Marks and what they change, as they are committed; resumes after `last_event_id` or `after`.

    `marks`: a list of Mark, with the cursor as its id · `order`: an Order · `gateways`: a list
    of Gateway · `refusals`, `evidence`: as their endpoints · `database`: {"here": bool} ·
    `hello`: to who resumes from nothing · `ping`: every 10 s · `reset`: too much was missed,
    ask for the overview again. 503 where too many listen already.
    """
    if live.full:
        return Response(status_code=503, headers={"Retry-After": "5"})
    seen = int(last_event_id) if last_event_id.isdecimal() else after

    async def events() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent(comment="gjurma", retry=RETRY_MS)
        async for event in live.subscribe(seen):
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

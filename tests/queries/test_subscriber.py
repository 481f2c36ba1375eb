"""A client that cannot follow is sent away, so that it resumes; it never holds the others."""

import asyncio

from central.queries.live import Subscriber
from central.queries.telling import Event


async def test_what_is_put_comes_out_in_order_until_it_is_closed() -> None:
    subscriber = Subscriber()
    told: list[str] = []

    async def read() -> None:
        async for event in subscriber.events():
            told.append(event.data)
            if len(told) == 1000:
                subscriber.close()

    reading = asyncio.create_task(read())
    for number in range(1000):
        subscriber.put(Event("marks", str(number)))
        await asyncio.sleep(0)
    await asyncio.wait_for(reading, 5)
    assert told == [str(number) for number in range(1000)]


async def test_one_that_does_not_read_is_closed_with_a_bounded_backlog() -> None:
    # None of it is told: the client asks again from the last event that reached it.
    subscriber = Subscriber()
    for number in range(100_000):
        subscriber.put(Event("marks", str(number)))
    assert len([event async for event in subscriber.events()]) == 0

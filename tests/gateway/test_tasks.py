"""A task that swallows its first cancellations is ended all the same."""

import asyncio

from gateway.tasks import end


async def test_a_swallowed_cancellation_is_repeated() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while swallowed < 3:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:  # as wait_for does, when both come in one turn
                swallowed += 1
        await asyncio.sleep(60)

    async def failing() -> None:
        raise OSError("gone")

    tasks = [asyncio.ensure_future(stubborn()), asyncio.ensure_future(failing())]
    await asyncio.sleep(0)
    await end(tasks)
    assert tasks[0].cancelled()
    assert swallowed == 3

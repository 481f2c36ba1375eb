"""The clock that a driver's deadlines go by: the event loop's own, like its timeouts."""

import asyncio


def now() -> float:
    """Seconds since some moment; only differences mean anything. Needs a running event loop."""
    return asyncio.get_running_loop().time()

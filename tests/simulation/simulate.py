"""One seed from its beginning to its end, and what came of it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulation import loop as event_loop
from tests.simulation.coverage import Coverage
from tests.simulation.invariants import Broken
from tests.simulation.loop import SimLoop
from tests.simulation.world import World


@dataclass
class Outcome:
    """`fault` is empty where all promises were kept."""

    seed: int
    fault: str = ""
    hash: str = ""
    story: list[str] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)
    parts: int = 0
    seconds: float = 0.0
    """Of the processor."""


def simulate(
    seed: int, *, tell: bool = False, keep: Callable[[World], object] = lambda _world: None
) -> Outcome:
    """Run a seed's world. `tell`: bring the whole story, even where nothing broke.

    `keep` is given the world as it is in the end.
    """
    worlds: list[World] = []

    async def main(loop: SimLoop) -> None:
        world = World(seed, loop)
        worlds.append(world)
        await world.live()

    outcome = Outcome(seed)
    began = time.process_time()
    logging.disable(logging.CRITICAL)
    try:
        event_loop.run(main)
    except (Exception, Broken) as error:  # whatever breaks is the seed's finding
        outcome.fault = f"{type(error).__name__}: {error}"
        if tell:
            logging.exception("seed %d", seed)
    finally:
        logging.disable(logging.NOTSET)
    outcome.seconds = time.process_time() - began
    if worlds:
        world = worlds[0]
        outcome.hash = world.story.hash()
        outcome.coverage = world.coverage
        outcome.parts = len(world.metal.parts)
        if tell or outcome.fault:
            outcome.story = list(world.story.told())
        keep(world)
    return outcome

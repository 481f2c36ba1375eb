"""`gjurma-sim`: the other end of every wire."""

import argparse
import sys
from collections.abc import Callable, Sequence

from simulators import device, parts
from simulators.demo import run as demo

COMMANDS: tuple[Callable[["argparse._SubParsersAction[argparse.ArgumentParser]"], None], ...] = (
    device.register,
    parts.register,
    demo.register,
)
"""One entry a subcommand; each sets `run(arguments) -> exit code` as its parser's default."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 0 good, 1 a finding, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="gjurma-sim", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for register in COMMANDS:
        register(commands)
    arguments = parser.parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())

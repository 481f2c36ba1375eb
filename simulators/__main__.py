"""`gjurma-sim`: the other end of every wire."""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

_COMMANDS = {
    "device": "simulators.device",
    "parts": "simulators.parts",
    "replay": "simulators.replay",
    "scanner": "simulators.scanner",
    "conformance": "conformance.command",
    "demo": "simulators.demo.run",
    "fault": "simulators.demo.run",
}
"""Each module's `register` adds its subcommands, with `run(arguments) -> exit code` as default.
What stands above the simulators is named here and imported where it is asked for (decision 0048).
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 0 good, 1 a finding, 2 wrong use."""
    words = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(prog="gjurma-sim", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    # A device does not wait for what the demo is made of.
    asked = [_COMMANDS[word] for word in words[:1] if word in _COMMANDS]
    for module in dict.fromkeys(asked or _COMMANDS.values()):
        import_module(module).register(commands)
    arguments = parser.parse_args(words)
    run: Callable[[argparse.Namespace], int] = arguments.run
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())

"""Seeds in order until one breaks a promise; told as one line of JSON.

python -m tests.simulation.mutants.hunt --first 0 --seeds 2000
"""

import argparse
import json
import sys
import time

from tests.simulation.simulate import simulate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seeds", type=int, required=True, help="how many at most")
    options = parser.parse_args()
    began = time.monotonic()
    seed: int | None = None
    fault = ""
    for each in range(options.first, options.first + options.seeds):
        fault = simulate(each).fault
        if fault:
            seed = each
            break
    print(json.dumps({"seed": seed, "fault": fault, "seconds": time.monotonic() - began}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Make a version's golden files: `python -m tests.golden make 0.1`."""

import argparse

from tests.golden.disks import total_size
from tests.golden.life import make


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("what", choices=["make"])
    parser.add_argument("version", help="major.minor, as in 0.1")
    golden = make(parser.parse_args().version)
    print(f"{golden.folder}: {total_size(golden.folder) / 1000:.0f} kB")


if __name__ == "__main__":
    main()

"""Make a version's golden files: `python -m tests.golden make 0.1`."""

import argparse
from importlib import metadata

from tests.golden.disks import FOLDER, total_size
from tests.golden.life import make


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("what", choices=["make"])
    parser.add_argument("version", help="major.minor, as in 0.1")
    version = parser.parse_args().version
    if not metadata.version("gjurma").startswith(f"{version}."):
        parser.error(f"the checkout is version {metadata.version('gjurma')}")
    if (FOLDER / version).exists():
        parser.error(f"{FOLDER / version} is there already: released files do not change")
    golden = make(version)
    print(f"{golden.folder}: {total_size(golden.folder) / 1000:.0f} kB")


if __name__ == "__main__":
    main()

"""An embedded MQTT broker as a process of its own: rumqttd out of the `iotcore` wheel.

For the demo and the tests. It keeps nothing on disk, and it has no access list.

    python -m simulators.broker --folder DIR [--port N]

prints its URL on the first line and serves until it is told to end, or its parent is gone.
"""

import argparse
import json
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections import deque
from pathlib import Path

from iotcore.iotcore import IotCoreBroker

from simulators.demo.processes import Child

CONFIG = """\
id = 0

[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 500
max_segment_size = 10485760
max_segment_count = 10

[v5.1]
name = "v5"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

    [v5.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = 1048576
    max_inflight_count = 200
    dynamic_filters = true
"""


_HELD_PORTS = 64
_held: deque[int] = deque()
"""Descriptors, which end with the process."""


def free_port() -> int:
    """A loopback TCP port that nobody listens on, and that no other caller is given meanwhile.

    Below the range from which the system takes ports for outgoing connections: between this
    moment and the one when somebody listens, none of those can take it. A name in Linux's abstract
    namespace keeps it from the other processes of this project; it goes with this process, or
    after as many further ports as are held at a time.
    """
    while True:
        port = secrets.choice(range(20000, 32000))
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0gjurma-port-{port}")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            name.close()
            continue
        if len(_held) == _HELD_PORTS:
            os.close(_held.popleft())
        _held.append(name.detach())
        return port


def answers(port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def command(folder: Path, port: int) -> list[str]:
    """Return the command line of a broker that keeps its configuration in `folder`."""
    own = [sys.executable, "-m", "simulators.broker"]
    return [*own, "--folder", str(folder), "--port", str(port)]


class Broker(Child):
    """A broker in a process of its own. `kill` is a power cut: all that it held is gone."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        super().__init__("broker", command(folder, self.port), folder / "broker.log")

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def run(self) -> None:
        """Start it, and wait until it answers. Raises ChildProcessError."""
        self.start()
        self.wait_until(lambda: answers(self.port))


def _serve(folder: Path, port: int) -> None:
    path = folder / "broker.toml"
    path.write_text(CONFIG.format(port=port))
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logging.basicConfig(level=logging.WARNING)
    # It traces each packet at level ERROR.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    print(json.dumps({"url": f"mqtt://127.0.0.1:{port}"}), flush=True)
    IotCoreBroker(config_path=str(path)).run_forever()


def _end_with_parent(parent: int) -> None:
    """The wheel's broker runs until its process ends: an orphan ends itself."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    _serve(options.folder, options.port or free_port())


if __name__ == "__main__":
    main()

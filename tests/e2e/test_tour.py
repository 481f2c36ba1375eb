"""docs/tour.md: every command of it, in its order, against a running demo."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.demo import END_S, Demo, running_in, state_folder

pytestmark = [pytest.mark.slow, pytest.mark.own, pytest.mark.needs_curl]

TOUR = Path("docs/tour.md")
_COMMANDS = re.compile(r"```bash\n(.*?)```", re.DOTALL)
_AFTER = re.compile(r"^([a-z-]+): (\d+) ms$", re.MULTILINE)
IN_TIME_MS = 2000
END_OF_TOUR_S = 600
"""Only so that a tour that hangs ends: how long it takes is no test."""
LASTS = "90 seconds"
"""How long the licence lasts: what comes before its end has to be done by then."""


@pytest.fixture
def demo() -> Iterator[Demo]:
    with state_folder() as state:
        demo = Demo.that_goes_on(state)
        try:
            demo.wait_started()
            yield demo
        finally:
            demo.kill()


def test_its_commands_run_in_their_order(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(Path(".venv").resolve())
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(_COMMANDS.findall(TOUR.read_text()))],
        cwd=tmp_path,
        env=os.environ | {"STATE": str(demo.state), "LASTS": LASTS},
        capture_output=True,
        text=True,
        timeout=END_OF_TOUR_S,
        check=False,
    )
    said = done.stdout
    assert done.returncode == 0, said + done.stderr

    stopped = {code: int(ms) for code, ms in _AFTER.findall(said) if code != "works"}
    assert stopped.keys() == {
        "order-held",
        "licence-suspended",
        "licence-expired",
        "licence-revoked",
    }
    assert max(stopped.values()) < IN_TIME_MS, stopped
    assert re.search(r"^licence-suspended.*\n(\d+)\n\1\nworks", said, re.MULTILINE), said
    whys = [
        "forbidden",
        "session-needed",
        "conflict",
        "not-found",
        "conflict",
        "excluded",
        "undecided",
        "not-accepted",
    ]
    assert re.findall(r"^([a-z-]+): (?!\d+ ms$)", said, re.MULTILINE) == whys
    steps = ["applied", "issued", "suspended", "reinstated", "renewed", "revoked"]
    assert re.findall(r"Z [a-z.+-]+ ([a-z]+)$", said, re.MULTILINE) == steps
    assert re.search(r"Z officer\+registry-officer revoked$", said, re.MULTILINE), said
    assert '"difference":"short","holder":"umgs"' in said
    assert re.search(r'^\["disputed","E-3",.*"verdicts":\["missing"\]', said, re.MULTILINE), said
    told = re.findall(r"^\S+ (?:event|alert) (\S+) \S+ (\S+)$", said, re.MULTILINE)
    ways = (
        "packed",
        "dispatched",
        "received",
        "unpacked",
        "sent-for-repair",
        "assembled",
        "stored",
    )
    life = [*ways, "dispatched", "exported", "seen", "seen-after-end"]
    assert [what for what, _ in told] == life, said
    assert [what for what, verdict in told if verdict != "ok"] == ["seen"]
    assert '["seen-after-end","critical"]\ntrue\n' in said
    assert said.count(": identical\n") == 2
    assert "licence AIM-2026-0100" in said

    demo.process.send_signal(signal.SIGTERM)
    output, _ = demo.process.communicate(timeout=END_S)
    counted = json.loads(output.splitlines()[-1])
    # A weapon that was begun when its licence ended may be there: not all that is marked is good.
    wrong = ("rejected", "unknown", "lost", "doubled", "unaccounted")
    assert all(counted[term] == 0 for term in wrong), counted
    assert running_in(demo.state) == {}

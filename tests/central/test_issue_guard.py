"""The guard of the numbers on real files: whole or not at all, whatever cuts it off."""

import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.errors import IssueGuardUnreadable, IssueGuardUnwritable
from central.register.numbers.guard import Guard, GuardFile, Kept, beyond
from tests.support.wait import wait_for

SPACES = st.dictionaries(st.text(min_size=1, max_size=12), st.integers(1, 2**62), max_size=5)
BEFORE = Kept({"UMG.M70": 101, "UMG.çelësi": 7}, 5, {"UMG.M70": 101})
AFTER = Kept({"UMG.M70": 301, "UMG.çelësi": 7}, 6, {"UMG.M70": 301})
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
WRITES = """
import itertools, sys
from pathlib import Path
from central.register.numbers.guard import Guard, GuardFile, Kept
guard = Guard(GuardFile(Path(sys.argv[1])))
for number in itertools.count(1):
    guard.write(Kept({"UMG.M70": number, "filler": 10 ** 15}))
    print(number, flush=True)
"""
NO_ROOM = """
import resource, sys
from pathlib import Path
from central.register.numbers.guard import Guard, GuardFile, Kept
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
Guard(GuardFile(Path(sys.argv[1]))).write(Kept({"UMG.M70": 301}))
"""


def made(folder: Path) -> Guard:
    return Guard(GuardFile(folder / "off-disk" / "issued"))


@SAME_FOLDER
@given(st.builds(Kept, SPACES, st.integers(0, 2**40), SPACES))
def test_what_was_written_is_read(tmp_path: Path, kept: Kept) -> None:
    made(tmp_path).write(kept)
    assert made(tmp_path).read() == kept
    assert [path.name for path in (tmp_path / "off-disk").iterdir()] == ["issued"]


def test_a_guard_of_version_0_1(tmp_path: Path) -> None:
    body = b'{"UMG.M70": 101, "next": 7}\n'
    (tmp_path / "off-disk").mkdir()
    content = hashlib.sha256(body).hexdigest().encode() + b"\n" + body
    (tmp_path / "off-disk" / "issued").write_bytes(content)
    assert made(tmp_path).read() == Kept({"UMG.M70": 101, "next": 7})


def test_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IssueGuardUnreadable, match="is not there"):
        made(tmp_path).read()


@SAME_FOLDER
@given(st.data())
def test_damage_never_gives_other_numbers(tmp_path: Path, data: st.DataObject) -> None:
    made(tmp_path).write(BEFORE)
    path = tmp_path / "off-disk" / "issued"
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255))
    rest = data.draw(st.sampled_from([b"", whole[at + 1 :]]))
    path.write_bytes(whole[:at] + bytes([byte]) + rest)
    try:
        found = made(tmp_path).read()
    except IssueGuardUnreadable:
        return
    assert (found, path.read_bytes()) == (BEFORE, whole)


@SAME_FOLDER
@given(st.data())
def test_a_write_that_was_cut_off_leaves_the_former_word(
    tmp_path: Path, data: st.DataObject
) -> None:
    """Before the rename the new text lies beside it, as far as it came."""
    made(tmp_path / "new").write(AFTER)
    content = (tmp_path / "new" / "off-disk" / "issued").read_bytes()
    made(tmp_path).write(BEFORE)
    torn = content[: data.draw(st.integers(0, len(content)))]
    (tmp_path / "off-disk" / ".issued.new").write_bytes(torn)
    assert made(tmp_path).read() == BEFORE
    made(tmp_path).write(AFTER)
    assert made(tmp_path).read() == AFTER


@pytest.mark.parametrize("room", [0, 10, 70])
def test_a_full_disk_leaves_the_former_word(tmp_path: Path, room: int) -> None:
    made(tmp_path).write(BEFORE)
    path = tmp_path / "off-disk" / "issued"
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM, str(path), str(room)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "IssueGuardUnwritable" in done.stderr
    assert made(tmp_path).read() == BEFORE


def test_one_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "off-disk").write_text("a file where the folder was")
    with pytest.raises(IssueGuardUnwritable):
        made(tmp_path).write(BEFORE)


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.0, 0.003, 0.011, 0.05, 0.2])
def test_a_process_that_is_killed_while_it_writes(tmp_path: Path, delay: float) -> None:
    path = tmp_path / "off-disk" / "issued"
    told = tmp_path / "told"
    with told.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-c", WRITES, str(path)], stdout=file)
    wait_for("its first write", lambda: told.stat().st_size > 0)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    durable = int(told.read_text().splitlines()[-1])
    assert made(tmp_path).read().next["UMG.M70"] in (durable, durable + 1)


def test_the_greater_of_what_two_say() -> None:
    assert beyond({"a": 5, "b": 2}, {"a": 3, "b": 9, "c": 1}) == {"a": 5, "b": 9, "c": 1}

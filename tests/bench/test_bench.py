"""Each part of the bench runs and says what it measured. How fast it is, is no test's business."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.floors import FLOORS
from bench.measure import Measurement, Spread, percentile
from tests.families import families
from tests.support import clusters

ROOT = Path(__file__).parents[2]


def bench(part: str, out: Path) -> dict[str, Any]:
    """`python -m bench --quick --only PART`; the JSON that it wrote."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--only", part, "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(out.read_text("utf-8"))
    for measurement in found["measurements"].values():
        assert measurement["title"] in done.stdout
        for row in measurement["rows"].values():
            assert 0 < row["min"] <= row["median"] <= row["max"]
            assert all(ratio["median"] > 0 for ratio in row["ratios"].values())
    assert found["machine"]["cpu"] in done.stdout
    return found


@pytest.mark.slow
@pytest.mark.own
def test_a_station_against_the_bare_commits(tmp_path: Path) -> None:
    rows = bench("station", tmp_path / "out.json")["measurements"]["station"]["rows"]
    measured = {name for name, row in rows.items() if "bare commits and guard" in row["ratios"]}
    assert measured == {
        "station, devices in memory",
        "station, and a page open",
        "station, cell on Modbus TCP",
        "station, laser and reader on ptys",
    }


@pytest.mark.slow
@pytest.mark.own
def test_ingest_against_the_bare_floors(tmp_path: Path) -> None:
    found = bench("ingest", tmp_path / "out.json")
    rows = found["measurements"]["ingest-50"]["rows"]
    limits = {f"{floor}, 2 workers" for floor in FLOORS}
    for way in ("store called directly", "through the broker"):
        assert set(rows[f"{way}, 2 workers"]["ratios"]) == limits
    assert found["machine"]["postgresql"]


@pytest.mark.slow
@pytest.mark.own
def test_latency_against_the_bare_loop(tmp_path: Path) -> None:
    rows = bench("latency", tmp_path / "out.json")["measurements"]["latency"]["rows"]
    for end in ("commit seen in the register", "receipt at the gateway", "event at the page"):
        assert rows[f"p50, intent → {end}"]["median"] <= rows[f"p99, intent → {end}"]["median"]


@pytest.mark.slow
@pytest.mark.own
@pytest.mark.needs_browser
def test_the_live_page_against_one_that_does_nothing(tmp_path: Path) -> None:
    found = bench("live", tmp_path / "out.json")["measurements"]
    heap = found["live-heap"]["rows"]["heap, live page"]
    assert set(heap["ratios"]) == {"heap, live page, at first", "heap, idle page"}
    # A leak of each mark would show within seconds: some thousand arrive in them.
    assert heap["ratios"]["heap, live page, at first"]["max"] < 2
    assert found["live-frames"]["rows"]["p99, live page"]["ratios"]
    assert found["live-load"]["rows"]["rows in the page's table"]["max"] <= 100


@pytest.mark.slow
@pytest.mark.own
@pytest.mark.needs_browser
def test_every_page_against_what_a_first_load_may_weigh(tmp_path: Path) -> None:
    rows = bench("pages", tmp_path / "out.json")["measurements"]["pages-weight"]["rows"]
    for name in ("the registry's most", "the operator's page"):
        assert rows[name]["ratios"]["allowed"]["max"] < 1


def test_a_ratio_compares_values_of_the_same_round() -> None:
    found = Measurement("x", "X", "1/s", "higher")
    for limit, ours in ((100, 50), (10, 8), (1000, 100)):
        found.add("bare", limit)
        found.add("ours", ours, against=("bare",))
    assert found.ratio("ours", "bare") == Spread(0.5, 0.1, 0.8)
    assert found.to_json()["rows"]["ours"]["ratios"]["bare"]["median"] == 0.5
    assert "÷ bare" in found.to_text()


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.99) == 7


@pytest.mark.slow
@pytest.mark.own
def test_a_generated_register_against_the_bare_statements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = clusters.state_folder()
    monkeypatch.setenv("TMPDIR", str(folder))
    try:
        found = bench("register", tmp_path / "out.json")
    finally:
        shutil.rmtree(folder)
    rows = found["measurements"]["register-lookup"]["rows"]
    assert rows["p99, lookup by UII"]["ratios"]
    assert found["measurements"]["register-ingest"]["rows"]["at 2,998 marks"]["ratios"]
    assert found["machine"]["register"]["marks"] == 2998


@pytest.mark.slow
@pytest.mark.own
def test_drivers_against_the_bare_exchange(tmp_path: Path) -> None:
    found = bench("drivers", tmp_path / "out.json")["measurements"]
    rows = found["drivers-round-trip"]["rows"]
    assert {name.partition(",")[0] for name in rows} == {*families(), "telesis/0.005"}
    assert all(row["ratios"] for name, row in rows.items() if not name.endswith("bare"))
    assert found["drivers-rate"]["rows"]["the slowest device, one more dead"]["min"] > 1

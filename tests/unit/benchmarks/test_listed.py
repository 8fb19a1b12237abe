"""Every benchmark is run by `make bench` and told of in docs/benchmarks.md."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
MAIN = 'if __name__ == "__main__":'


def programs() -> set[str]:
    """The modules of benchmarks/ that can be run."""
    return {path.stem for path in (ROOT / "benchmarks").glob("*.py") if MAIN in path.read_text()}


def test_make_bench_runs_every_benchmark() -> None:
    listed = re.search(r"^BENCHMARKS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert listed
    assert set(listed[1].split()) == programs()


def test_the_docs_tell_what_every_benchmark_measures_and_hold_a_run_of_it() -> None:
    docs = (ROOT / "docs" / "benchmarks.md").read_text()
    assert set(re.findall(r"^## (\w+):", docs, re.MULTILINE)) == programs()
    assert set(re.findall(r"^(\w+): .+ runs$", docs, re.MULTILINE)) == programs()
    assert len(re.findall(r"^\d{4}-\d\d-\d\d \d\d:\d\d UTC, ", docs, re.MULTILINE)) == len(programs())


def test_the_peers_are_pinned_by_hash_and_no_index_is_named() -> None:
    lock = (ROOT / "requirements-bench.lock").read_text()
    requirements = re.findall(r"^[\w.-]+==.*?(?=^[\w.-]+==|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert {"bytewax", "quixstreams", "msgspec", "numpy"} <= {found.split("==")[0] for found in requirements}
    assert all("--hash=sha256:" in found for found in requirements)
    assert "://" not in lock

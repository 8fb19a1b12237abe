"""What the benchmark of filling in makes of its measurements."""

from benchmarks.backfill import figures
from benchmarks.filling.jobs import JOBS
from benchmarks.filling.process import Ran

GIB = 2**30


def test_rates_are_the_best_of_their_rounds_and_memory_the_worst() -> None:
    ran = {name: [Ran(9_000.0, GIB), Ran(4_000.0, 2 * GIB)] for name in JOBS}
    ran["plain vector upserts"] = [Ran(18_000.0, GIB)]
    found = {figure.name: (figure.value, figure.met) for figure in figures(ran)}
    assert found["contexts computed and stored"] == (9_000.0, True)
    assert found["windows computed"] == (9_000.0, False)
    assert found["windows computed and stored / plain vector upserts"] == (0.5, False)
    assert found["contexts computed and stored / contexts row by row"] == (1.0, None)
    assert found["contexts computed and stored, memory"] == (2.0, False)

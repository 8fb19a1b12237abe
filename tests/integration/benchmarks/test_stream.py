"""The candidates of benchmarks/stream.py that the product's own environment holds; the peers need another."""

import sys
from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks.stream import FAUST, THIS, Runs, fill
from stream_app.embedded import Endpoints


@pytest.mark.parametrize("name", [THIS, FAUST, "bare aiokafka"])
async def test_a_candidate_comes_to_the_windows_that_the_closes_make(
    name: str, endpoints: Endpoints, topic_prefix: str
) -> None:
    given = Namespace(instruments=5, partitions=2, collect_after=10_000)
    filled = await fill(endpoints.kafka, topic_prefix, 100, given)
    runs = Runs(Path(sys.executable))
    assert await runs.candidate(name, filled)() > 0
    assert runs.cpu()[name][0] > 0
    assert "aiokafka" in runs.versions()

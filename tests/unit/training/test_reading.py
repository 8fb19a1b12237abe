"""The mean text vectors of days, of articles that come some at a time, are what a worker's are, to the bit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.regime.text import day_means
from stream_app.training.reading import RunningMeans


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(1, 20))
def test_however_articles_come_in_pages_the_means_are_those_of_a_whole_day(days: list[int], page: int) -> None:
    vectors = np.random.default_rng(len(days)).normal(size=(len(days), 384)).astype(np.float32)
    day_of = np.array(days)
    means = RunningMeans(5)
    for start in range(0, len(days), page):
        here = day_of[start : start + page]
        means.add([np.flatnonzero(here == day) for day in range(5)], vectors[start : start + page])
    known, counts = np.unique(day_of, return_counts=True)
    grouped = vectors[np.argsort(day_of, kind="stable")]
    expected = day_means(grouped, np.concatenate([[0], np.cumsum(counts)]))
    assert means.of(known).tobytes() == expected.tobytes()
    assert np.array_equal(np.flatnonzero(means.counts), known)

"""How many days are computed together: as many as fit, by their articles and their windows."""

import datetime as dt
from itertools import pairwise

from stream_app.contexts.day_inputs import (
    BATCH_ARTICLES,
    BATCH_WINDOWS,
    FIRST_TRIGGERS,
    LARGEST_TRIGGERS,
    BatchSize,
)
from stream_app.store.news import Article

DAY = dt.date(2008, 9, 15)
ARTICLE = Article("a", dt.datetime(2008, 9, 15, tzinfo=dt.UTC), DAY, b"1" * 32)


def days_of(*articles: int) -> list[list[Article]]:
    return [[ARTICLE] * count for count in articles]


def test_batches_grow_while_they_fit_up_to_the_largest() -> None:
    size, taken = BatchSize(), []
    while size.triggers < LARGEST_TRIGGERS:
        taken.append(size.triggers)
        assert size.fitting(days_of(*[2] * size.triggers), windows_a_day=3) == taken[-1]
    assert taken[0] == FIRST_TRIGGERS
    assert all(later == 2 * earlier for earlier, later in pairwise(taken))
    assert size.fitting(days_of(*[2] * LARGEST_TRIGGERS), windows_a_day=3) == LARGEST_TRIGGERS
    assert size.triggers == LARGEST_TRIGGERS


def test_days_whose_articles_are_too_many_wait_for_the_next_batch() -> None:
    size, half = BatchSize(), BATCH_ARTICLES // 2
    assert size.fitting(days_of(half, half, 1, half), windows_a_day=1) == 2
    assert size.triggers == 2


def test_days_whose_windows_are_too_many_wait_for_the_next_batch() -> None:
    size = BatchSize()
    assert size.fitting(days_of(1, 1, 1, 1), windows_a_day=BATCH_WINDOWS // 3) == 3
    assert size.triggers == 3


def test_a_day_that_fits_in_no_batch_is_one_of_its_own() -> None:
    assert BatchSize().fitting(days_of(2 * BATCH_ARTICLES, 1), windows_a_day=1) == 1
    assert BatchSize().fitting(days_of(1, 1), windows_a_day=2 * BATCH_WINDOWS) == 1

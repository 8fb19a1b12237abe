"""The days that `benchmarks/close.py` closes, and the percentiles that it reports."""

import numpy as np

from benchmarks.close import CLOSED, STORED, figures
from benchmarks.closing.days import HISTORY_SESSIONS, closing_days, text_vectors
from stream_app.regime.windows import min_rows


def test_a_regions_day_has_as_many_articles_as_said_all_in_its_news_window() -> None:
    world = closing_days(days=2, regions=3, articles_a_day=50)
    for day in world.days:
        after, until = world.calendar.news_window(day)
        articles = [*world.articles(day), world.last_article("R001", day)]
        assert len({article.article_id for article in articles}) == 50
        assert len({article.text for article in articles}) == 50
        assert all(article.published_at and after < article.published_at <= until for article in articles)


def test_every_instrument_has_a_whole_window_before_the_first_day() -> None:
    world = closing_days(days=1, regions=2, articles_a_day=1)
    history = list(world.history())
    assert len({(close.instrument_id, close.trade_date) for close in history}) == 2 * HISTORY_SESSIONS
    assert max(close.trade_date for close in history) < world.days[0]
    assert min_rows(63) < HISTORY_SESSIONS


def test_text_vectors_have_length_one_and_differ_by_day() -> None:
    made = text_vectors(4, seed=1)
    assert (made.dtype.str, made.shape) == ("<f4", (4, 384))
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, rtol=1e-6)
    assert not np.array_equal(made, text_vectors(4, seed=2))


def test_a_percentile_is_of_the_best_round_and_the_goal_is_on_the_99th_after_the_last_input() -> None:
    rounds = [[0.1] * 100, [0.2] * 98 + [0.9] * 2]
    p50, p99 = figures(STORED.format("price"), rounds)
    assert (p50.value, p50.met, p99.value, p99.met) == (100.0, None, 100.0, True)
    assert [round(run) for run in p99.measured] == [100, 900]
    assert [figure.at_most for figure in figures(CLOSED, rounds)] == [None, None]

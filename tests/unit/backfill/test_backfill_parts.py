"""What the seed commands count, what they have to write, and how they cut their work."""

import datetime as dt

import numpy as np

from schemas import DIM
from stream_app.backfill import halves, texts
from stream_app.backfill.report import LISTED, Lines, Tally, to_remove, to_write
from stream_app.store import vectors
from stream_app.store.article_texts import DayNews, Lacking
from stream_app.store.origins import BACKFILL, LIVE, Standing
from stream_app.store.regimes import RegimeRow

NOON = dt.datetime(2025, 1, 31, 12, tzinfo=dt.UTC)


def test_only_what_is_new_or_differs_from_a_backfilled_row_is_written() -> None:
    standing = {
        "same": Standing(BACKFILL, b"1"),
        "other": Standing(BACKFILL, b"2"),
        "live": Standing(LIVE, b"2"),
        "live and the same": Standing(LIVE, b"1"),
    }
    chosen, tally = to_write(["new", *standing], [b"1"] * 5, standing)
    assert chosen == [0, 2]
    assert tally == Tally(new=1, changed=1, unchanged=1, live=2)
    assert tally.written == 2


def test_only_a_backfilled_row_that_lacks_its_inputs_is_removed() -> None:
    standing = {"whole": Standing(BACKFILL, b"1"), "lacking": Standing(BACKFILL, b"1"), "live": Standing(LIVE, b"1")}
    assert to_remove(["lacking", "live", "never there"], standing) == ["lacking"]
    assert Tally(removed=1).written == 1


def test_many_lines_are_counted_and_the_first_ones_kept() -> None:
    lines = Lines()
    for number in range(LISTED + 5):
        lines.add(str(number))
    assert (lines.listed[-1], lines.total, lines.unlisted) == (str(LISTED - 1), LISTED + 5, 5)


def test_articles_are_cut_by_bytes_and_number_and_none_is_left_out() -> None:
    sizes = [texts.BATCH_TEXT_BYTES + 1, 1, *([texts.BATCH_TEXT_BYTES // 2] * 3), *([0] * (2 * texts.BATCH_ARTICLES))]
    page = [Lacking(str(number), NOON, b"", size) for number, size in enumerate(sizes)]
    batches = list(texts._batches(page))
    assert [article for batch in batches for article in batch] == page
    assert all(
        len(batch) == 1 or sum(article.text_bytes for article in batch) <= texts.BATCH_TEXT_BYTES for batch in batches
    )
    assert max(map(len, batches)) == texts.BATCH_ARTICLES


def test_halves_are_paired_with_the_mean_of_their_days_articles_and_how_many_these_are() -> None:
    first, second, third = (dt.date(2025, 1, day) for day in (1, 2, 3))
    numeric = vectors.to_rows(np.stack([np.full(DIM, float(number), np.float32) for number in range(3)]))
    days = [first, third, third]
    rows = [RegimeRow("US", day, ["A"], LIVE, row) for day, row in zip([first, second, third], numeric, strict=True)]
    of_articles = vectors.to_rows(np.stack([np.full(DIM, number, np.float32) for number in (5.0, 1.0, 2.0)]))
    both = halves.paired(rows, days, of_articles)
    assert both.keys == [("US", first), ("US", third)]
    assert (both.numeric[:, 0].tolist(), both.text[:, 7].tolist()) == ([0, 2], [5, 1.5])
    assert both.articles.tolist() == [1, 2]
    nothing = halves.paired([], [], [])
    assert (nothing.keys, nothing.text.shape, nothing.articles.shape) == ([], (0, DIM), (0,))


def test_days_are_cut_by_articles_and_contexts_and_none_is_left_out() -> None:
    days = [dt.date(2025, 1, 1) + dt.timedelta(days=number) for number in range(300)]
    chance = np.random.default_rng(3)
    news = {day: DayNews(0, int(count)) for day, count in zip(days, chance.integers(1, 30_000, 300), strict=True)}
    chunks = list(halves.chunks(days, news, regions=100))
    assert [day for chunk in chunks for day in chunk] == days
    assert max(map(len, chunks)) * 100 <= halves.CHUNK_CONTEXTS
    assert all(len(c) == 1 or sum(news[day].with_vector for day in c) <= halves.CHUNK_ARTICLES for c in chunks)
    assert list(halves.chunks([], news, regions=1)) == []

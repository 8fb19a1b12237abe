"""I1 no loss, I2 no double effect, I3 commits follow the progress: the inputs against the tables they made."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from schemas import NewsArticle, PriceClose
from schemas.topics import DAY_CLOSES, NEWS, PRICES
from tests.faults.differences import Violations, countable, named, numbers, progress, same
from tests.faults.observed import Observed
from tests.faults.oracle import Log, Oracle, Version, hash_of, news_date_of
from tests.faults.origins import FIRST_EPOCH


def no_loss(observed: Observed, oracle: Oracle) -> Violations:
    """I1: each input record below the progress is applied or in the dead letters, and none above it."""
    for topic, log, stored in (
        (PRICES.name, oracle.prices, _places(observed, "prices_daily", "prices_history")),
        (NEWS.name, oracle.news, _places(observed, "news_articles", "news_history")),
    ):
        yield from _accounted(observed, topic, log, stored)
    first = {(t.partition, t.offset) for t in oracle.first_triggers()}
    repeated = {(t.partition, t.offset) for t in oracle.triggers.good} - first
    yield from _accounted(observed, DAY_CLOSES.name, oracle.triggers, _places(observed, "day_triggers") | repeated)


def _places(observed: Observed, *tables: str) -> set[tuple[int, int]]:
    return {(row["log_partition"], row["log_offset"]) for table in tables for row in observed.tables[table]}


def _accounted(observed: Observed, topic: str, log: Log[Any], stored: set[tuple[int, int]]) -> Violations:
    """Below the progress each record is applied or a dead letter, and above it none is."""
    at = progress(observed, topic)
    good = {(v.partition, v.offset) for v in log.good}
    bad = {(r.partition, r.offset): r for r in log.bad}
    letters = {
        (row["partition"], row["log_offset"]): row
        for row in observed.tables["dead_letters"]
        if row["topic"] == observed.prefix + topic
    }
    done = {place for place in good | set(bad) if place[1] < at.get(place[0], 0)}
    yield from named("I1", f"of {topic} were lost", sorted((done & good) - stored))
    yield from named("I1", f"of {topic} are no dead letters", sorted((done & set(bad)) - set(letters)))
    yield from named("I1", f"of {topic} are dead letters although good", sorted(set(letters) & good))
    yield from named("I1", f"of {topic} are applied beyond the progress", sorted((stored & good) - done))
    for place in sorted(set(letters) & set(bad)):
        if (letters[place]["key"], letters[place]["value"]) != (bad[place].key, bad[place].value):
            yield f"I1: the dead letter of {topic} {place} does not hold the record's bytes"


def no_double_effect(observed: Observed, oracle: Oracle) -> Violations:
    """I2: the tables hold what the raw topics come to, neither less nor more."""
    prices, news = oracle.current_prices(), oracle.current_news()
    tables = observed.tables
    yield from same("I2", "prices_daily", map(_countable_row, tables["prices_daily"]), map(_price_row, prices.values()))
    older_prices = map(_price_row, _older(oracle.prices, prices))
    yield from same("I2", "prices_history", map(_countable_row, tables["prices_history"]), older_prices)
    yield from same("I2", "news_articles", map(_countable_row, tables["news_articles"]), map(_news_row, news.values()))
    older_news = map(_news_row, _older(oracle.news, news))
    yield from same("I2", "news_history", map(_countable_row, tables["news_history"]), older_news)
    yield from same("I2", "text_embeddings", _stored_embeddings(tables), _embeddings(oracle, news))
    needed = {hash_of(v.event) for v in oracle.news.good if not v.event.retracted}
    vectors = {(key, oracle.text_vectors[key].tobytes()) for key in needed if key in oracle.text_vectors}
    stored = ((row["content_hash"], numbers(row["vector"]).tobytes()) for row in tables["text_vectors"])
    yield from same("I2", "text_vectors", stored, vectors)


def _older(log: Log[Any], current: Mapping[Any, Version[Any]]) -> Iterator[Version[Any]]:
    newest = {v.position for v in current.values()}
    return (v for v in log.good if v.position not in newest)


def _countable_row(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(countable(value) for value in row.values())


def _placed(values: Iterable[Any], version: Version[Any]) -> tuple[Any, ...]:
    origin = (None,) * 4 if version.origin is None else (FIRST_EPOCH, *version.origin)
    return (*(countable(value) for value in values), FIRST_EPOCH, *version.position, *origin)


def _price_row(version: Version[PriceClose]) -> tuple[Any, ...]:
    e = version.event
    values = (e.open, e.high, e.low, e.close, e.adjusted_close, e.volume, e.currency, e.metadata, e.retracted)
    return _placed((e.instrument_id, e.trade_date, *values), version)


def _news_row(version: Version[NewsArticle]) -> tuple[Any, ...]:
    e = version.event
    when = (e.published_at, news_date_of(e), e.time_precision)
    what = (e.source, e.language, e.headline, e.body, list(e.regions), None if e.retracted else hash_of(e))
    return _placed((e.article_id, *when, *what, e.metadata, e.retracted), version)


def no_other_windows(observed: Observed, oracle: Oracle) -> Violations:
    """I2: the windows of a space's numeric model are those that the prices come to."""
    model_id = oracle.space.numeric_model_id
    stored = (
        (row["entity_id"], row["as_of_date"], row["rows"], numbers(row["vector"]).tobytes())
        for row in observed.tables["numeric_window_embeddings"]
        if row["model_id"] == model_id
    )
    yield from same("I2", f"numeric_window_embeddings of {model_id}", stored, _windows(oracle))


def _windows(oracle: Oracle) -> Iterator[tuple[Any, ...]]:
    for (instrument_id, day), made in oracle.windows().items():
        assert made.vector is not None
        yield instrument_id, day, made.rows, made.vector.tobytes()


def _stored_embeddings(tables: Mapping[str, list[dict[str, Any]]]) -> Iterator[tuple[Any, ...]]:
    for row in tables["text_embeddings"]:
        yield row["source_id"], row["content_hash"], numbers(row["vector"]).tobytes()


def _embeddings(oracle: Oracle, current: Mapping[str, Version[NewsArticle]]) -> Iterator[tuple[Any, ...]]:
    for article_id, version in current.items():
        if not version.event.retracted:
            key = hash_of(version.event)
            vector = oracle.text_vectors.get(key)
            yield article_id, key, None if vector is None else vector.tobytes()


def commits_follow_progress(observed: Observed) -> Violations:
    """I3: no group has committed what is not applied."""
    for (topic, partition), offset in sorted(observed.committed.items()):
        applied = progress(observed, topic).get(partition, 0)
        if offset > applied:
            yield f"I3: {topic}[{partition}] is committed up to {offset}, but applied up to {applied} only"

"""What the benchmark of bad records sends, and what it makes of its measurements."""

from benchmarks.poison import PRICES_READ, figures, stream
from schemas import PriceClose, Rejected, too_far_ahead
from stream_app.ingest.kinds import PRICE_CLOSES

RECORDS = 2_000
LONG_AFTER_MS = 1_800_000_000_000


def is_good(value: bytes) -> bool:
    event: PriceClose | Rejected = PRICE_CLOSES.codec.decode(value)
    return isinstance(event, PriceClose) and too_far_ahead(event, LONG_AFTER_MS) is None


def test_the_part_of_bad_records_is_as_asked_and_every_run_sends_the_same() -> None:
    clean, poisoned = stream(PRICES_READ, RECORDS, 0.0), stream(PRICES_READ, RECORDS, 0.3)
    assert all(is_good(value) for _, value in clean)
    assert len(clean) == len(poisoned) == RECORDS
    assert 0.27 < sum(not is_good(value) for _, value in poisoned) / RECORDS < 0.33
    assert poisoned == stream(PRICES_READ, RECORDS, 0.3)


def test_the_ratio_is_of_the_best_rates_of_a_stage() -> None:
    rates = {
        "prices.closes, all good": [90.0, 100.0],
        "prices.closes, 30 % bad": [80.0, 60.0],
        "news.articles, all good": [50.0],
        "news.articles, 30 % bad": [20.0],
    }
    ratios = {each.name: (each.value, each.met) for each in figures(rates) if each.unit == "%"}
    assert ratios == {"prices.closes, ratio": (0.8, True), "news.articles, ratio": (0.4, False)}

"""What benchmarks/serve.py asks for, what its peer answers, and the figures that it reports."""

import datetime as dt
import itertools
import json

import msgspec
import numpy as np

from benchmarks.serve import BARE, SERVE, percentiles
from benchmarks.serving.asking import PAGE_DAYS, Pages
from benchmarks.serving.days import LAST_DAY, StoredDays, context
from benchmarks.serving.peer import row
from stream_app.store.revision_rows import summary
from stream_app.web.rows import rows

STORED = StoredDays(["R0", "R1"], 300)


def test_the_stored_days_are_weekdays_in_their_order_up_to_the_last() -> None:
    assert len(STORED.dates) == 300
    assert sorted(set(STORED.dates)) == STORED.dates
    assert STORED.dates[-1] == LAST_DAY
    assert all(day.isoweekday() < 6 for day in STORED.dates)


def test_pages_that_follow_each_other_differ_and_are_full() -> None:
    asked = list(itertools.islice(Pages(8765, STORED, "joint-regime-core-v1").urls(), 100))
    assert len(set(asked)) == len(asked)
    ends = [dt.date.fromisoformat(url.partition("end=")[2].partition("&")[0]) for url in asked]
    assert all(STORED.dates.index(end) + 1 >= PAGE_DAYS for end in ends)


def test_the_peers_row_says_what_the_products_does() -> None:
    told = context("R0", LAST_DAY, "joint-regime-core-v1", np.ones(384, np.float32))
    stored = summary(told, 19.5)
    of_stored = rows([{"origin": "live", "payload": None, "summary": stored}], with_vectors=False)
    (of_product,) = json.loads(msgspec.json.encode(of_stored))
    assert json.loads(row(json.loads(stored)).model_dump_json()) == of_product


def test_a_percentile_is_of_the_best_round_and_the_goal_is_on_the_products_99th() -> None:
    rounds = [[0.01] * 98 + [0.09] * 2, [0.02] * 100]
    p50, p99 = percentiles(SERVE, rounds)
    assert (p50.value, p50.met, p99.value, p99.met) == (10.0, None, 20.0, True)
    assert [round(run) for run in p99.measured] == [90, 20]
    assert [figure.at_most for figure in percentiles(BARE, rounds)] == [None, None]

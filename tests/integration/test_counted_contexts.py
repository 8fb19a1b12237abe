"""What the contexts stage counts: for how long a day waits for its records, and what came of it."""

import datetime as dt

from tests.integration.pipeline import Place, close, weekdays
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel
from tests.unit.metrics.test_counting import value

DAY = dt.date(2008, 9, 15)
JOINT = "joint-regime-core-v1"


async def test_a_day_is_told_to_wait_until_its_records_are_applied_and_its_context_counts_once(
    place: Place, model: QuickModel
) -> None:
    labels = {"region": "US", "model": JOINT, "absent": "no-news"}
    made = value("stream_app_revisions_total", **labels)
    published = value("stream_app_close_to_context_seconds_count", region="US")
    async with place.pipeline(window_days=5) as path, stepping(path, model) as steps:
        await path.send(*[close("SPX.US", day, 1200.0) for day in weekdays(DAY, 5)])
        await path.close("US", DAY)
        await steps.apply(steps.triggers)
        await steps.compute()
        assert 0.0 < value("stream_app_cut_waiting_seconds", region="US") < 60.0
        assert value("stream_app_revisions_total", **labels) == made

        await steps.apply(steps.prices, steps.news)
        await steps.compute()
        assert value("stream_app_cut_waiting_seconds", region="US") == 0.0
        assert value("stream_app_revisions_total", **labels) == made + 1
        assert value("stream_app_close_to_context_seconds_count", region="US") == published + 1

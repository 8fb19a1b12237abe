"""A topic that is configured to lose records, or deleted, while a worker runs stops it."""

import pytest

from schemas.topics import NEWS
from stream_app import worker
from stream_app.errors import Fatal
from tests.integration.pipeline import Place, until
from tests.integration.positions.broken_logs import configure, delete
from tests.integration.text_models import QuickModel


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        ("retention", r"news\.articles has retention\.ms=60000 where -1 is needed; mend it with: kafka-configs\.sh "),
        ("deletion", r"news\.articles was deleted while a worker ran\. Start the worker again"),
    ],
)
async def test_a_topic_that_loses_records_while_a_worker_runs_stops_it(
    place: Place, model: QuickModel, monkeypatch: pytest.MonkeyPatch, break_it: str, told: str
) -> None:
    monkeypatch.setattr(worker, "CHECK_LOGS_SECONDS", 0.2)
    async with place.pipeline() as path:
        path.start("prices")
        await until(lambda: path.value("SELECT count(*) FROM ingest_progress"), "the stage reads its partitions")
        assert not path._running["prices"][0].done()
        if break_it == "retention":
            await configure(path, NEWS, "retention.ms", "60000")
        else:
            await delete(path, NEWS.name)

        async def has_ended() -> bool:
            return path._running["prices"][0].done()

        await until(has_ended, "the stage has ended")
        with pytest.raises(Fatal, match=told):
            await path.stop("prices")

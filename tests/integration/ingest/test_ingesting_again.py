"""Ctrl-C in the middle says how far it got, and running it again does no harm."""

import asyncio
import datetime as dt
import signal
from pathlib import Path

import pytest

from schemas.topics import PRICES
from stream_app.config import Settings
from stream_app.ingest.job import Job
from stream_app.ingest.sending import CHUNK_ROWS
from stream_app.ingest.workers import STAGES
from stream_app.sample import NEWS as SAMPLE_NEWS
from tests.integration.ingest.commands import WEEK, command, news_in, run, stages, started
from tests.integration.pipeline import Pipeline, until

HEADER = "instrument_id,trade_date,close,volume\n"
FIRST_DAY = dt.date(1995, 1, 1)
SENT_BEFORE, LAST_ROWS = 2 * CHUNK_ROWS, 10
TABLES = {
    "prices_daily": "instrument_id, trade_date, close, volume, retracted",
    "news_articles": "article_id, published_at, content_hash, retracted",
    "numeric_window_embeddings": "entity_id, as_of_date, model_id, window_days, rows, vector",
    "text_embeddings": "source_id, model_id, content_hash, vector",
    "joint_embedding_revisions": "region, as_of_date, model_id, revision, known_at, inputs_hash, payload",
    "joint_embeddings": "region, as_of_date, model_id, revision, vector",
    "dead_letters": "*",
}
"""What is known now. Earlier versions of a row go to the history tables, also where the next one is the same."""
WAITING = (
    "SELECT (SELECT count(*) FROM late_marks) + (SELECT count(*) FROM day_triggers WHERE NOT computed) "
    "+ (SELECT count(*) FROM joint_embedding_revisions WHERE NOT published)"
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Days that rows came late for are looked at again at once."""
    return settings.model_copy(update={"amend_interval_seconds": 0.0, "closer_poll_seconds": 0.1})


def rows() -> list[str]:
    """Two chunks of prices, in them a week of the region's, and ten rows more."""
    week = [f"SPX.US,{day},1200.5,8000000000\n" for day in WEEK]
    return week + [
        f"X.US,{FIRST_DAY + dt.timedelta(n)},{n + 1}.5,1000\n" for n in range(SENT_BEFORE + LAST_ROWS - len(WEEK))
    ]


async def interrupted(job: Job, settings: Settings, words: tuple[str, ...], content: str) -> tuple[int, str, str]:
    """Exit code, output and complaints of a command that got Ctrl-C while it waited for more of its input."""
    topic = job.services.topic(PRICES.name)

    async def all_is_there() -> bool:
        return sum(await job.services.log.end_offsets(topic)) == SENT_BEFORE

    with started(*command(settings, *words)) as process:
        assert process.stdin is not None
        process.stdin.write(content)
        process.stdin.flush()
        await until(all_is_there, "what was written sent")
        process.send_signal(signal.SIGINT)
        code = await asyncio.to_thread(process.wait)
        said, complained = process.communicate()
    return code, said, complained


async def tables(path: Pipeline) -> dict[str, list[str]]:
    """What the tables hold once everything sent is applied and everything that follows from it is computed."""

    async def nothing_waits() -> bool:
        return bool(await path.value(WAITING) == 0)

    await path.applied()
    await until(nothing_waits, "everything amended, computed and published")
    return {
        table: sorted(map(repr, await path.fetch(f"SELECT {columns} FROM {table}")))
        for table, columns in TABLES.items()
    }


@pytest.mark.usefixtures("model")
async def test_an_ingest_that_was_interrupted_is_repeated_twice_and_changes_nothing_the_second_time(
    job: Job, settings: Settings, tmp_path: Path
) -> None:
    whole = tmp_path / "prices.csv"
    whole.write_text(HEADER + "".join(rows()))
    await job.news(news_in(SAMPLE_NEWS))
    code, said, complained = await interrupted(job, settings, ("prices", "-"), HEADER + "".join(rows()[:SENT_BEFORE]))
    assert (code, "Traceback" in complained) == (130, False)
    sent = [f"{count:,} rows read: {count:,} sent, 0 rejected" for count in (CHUNK_ROWS, SENT_BEFORE)]
    assert said.startswith(tuple(sent)), "the last chunk may be there and not yet acknowledged"
    assert "It is safe to repeat the command" in complained

    path = Pipeline(settings, job.endpoints, job.services)
    async with stages(job, *STAGES):
        again = await asyncio.to_thread(run, settings, "prices", str(whole), "--close-days")
        assert "5 days closed: US 5.\nAll that was closed is computed." in again.stdout, again.stderr
        before = await tables(path)
        once_more = await asyncio.to_thread(run, settings, "prices", str(whole), "--close-days")
        assert "10,010 rows read: 10,010 sent" in once_more.stdout, once_more.stderr
        after = await tables(path)
        amended = await path.value("SELECT count(*) FROM day_triggers WHERE number > 1")
    assert len(before["prices_daily"]) == SENT_BEFORE + LAST_ROWS
    assert len(before["joint_embedding_revisions"]) == len(WEEK) * len(settings.joint_models)
    assert amended >= len(WEEK), "every day must have been looked at again"
    assert after == before

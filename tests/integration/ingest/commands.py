"""Inputs, commands and workers that tests of ingesting share."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from stream_app.config import Settings
from stream_app.ingest.files import Source
from stream_app.ingest.job import Job
from stream_app.ingest.kinds import NEWS_ARTICLES, PRICE_CLOSES
from stream_app.ingest.sending import look_at_all
from stream_app.ingest.workers import watching_workers
from stream_app.worker import run_stage
from tests.integration.pipeline import until

WEEK = ("2008-09-11", "2008-09-12", "2008-09-15", "2008-09-16", "2008-09-17")
"""Sessions of the region US, on three of which articles of the sample count."""


def prices_in(path: Path) -> list[Source]:
    """A file of prices."""
    return look_at_all([path], PRICE_CLOSES)


def news_in(path: Path) -> list[Source]:
    """A file of news."""
    return look_at_all([path], NEWS_ARTICLES)


@asynccontextmanager
async def stages(job: Job, *names: str) -> AsyncIterator[None]:
    """A worker of these stages, ready."""
    stop = asyncio.Event()
    running = [run_stage(job.services.settings, job.endpoints, name, stop=stop) for name in names]
    tasks = [asyncio.ensure_future(each) for each in running]
    try:
        async with watching_workers(job.endpoints.kafka, job.services.settings.topic_prefix) as watch:

            async def joined() -> bool:
                return not set(names) & set(await watch.without_members())

            await until(joined, f"members of {names}")
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def values_of(job: Job, topic: str) -> list[tuple[bytes, bytes]]:
    """Key and value of every record of a topic, partition by partition."""
    name, log = job.services.topic(topic), job.services.log
    found = []
    for partition, end in enumerate(await log.end_offsets(name)):
        async for batch in log.records(name, partition, 0, end):
            found += [(record.key, record.value) for record in batch]
    return found


def command(settings: Settings, *words: str) -> tuple[list[str], dict[str, str]]:
    """A command line and its environment."""
    assert settings.kafka_url is not None and settings.database_url is not None
    environment = os.environ | {
        "STREAM_APP_KAFKA_URL": settings.kafka_url,
        "STREAM_APP_DATABASE_URL": settings.database_url.get_secret_value(),
        "STREAM_APP_TOPIC_PREFIX": settings.topic_prefix,
    }
    return [sys.executable, "-m", "stream_app", "ingest", *words], environment


def run(settings: Settings, *words: str, given: bytes = b"") -> "subprocess.CompletedProcess[str]":
    """The command at its end; `given` is its standard input."""
    line, environment = command(settings, *words)
    done = subprocess.run(line, env=environment, capture_output=True, input=given, check=False)
    return subprocess.CompletedProcess(line, done.returncode, done.stdout.decode(), done.stderr.decode())


@contextmanager
def started(line: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """The command while it runs; killed where a test ends before it."""
    pipe = subprocess.PIPE
    with subprocess.Popen(line, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()

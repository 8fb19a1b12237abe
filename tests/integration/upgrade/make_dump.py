"""Makes the dump of the release at hand: `python -m tests.integration.upgrade.make_dump`, once, when it is released.

Later releases' tests open it; see test_upgrade.py. The folder must not exist yet: a release's dump is never made again.
"""

import asyncio
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from schemas.topics import TOPICS
from stream_app import embedded
from stream_app.clock import FixedClock
from stream_app.embedded import Endpoints
from stream_app.embedded.postgres import binary
from stream_app.encoding import TextEncoder
from stream_app.store.migrate import upgrade
from tests.faults.observed import STAGE_TOPICS, committed_offsets
from tests.integration.pipeline import Pipeline, pipeline
from tests.integration.text_models import QuickModel
from tests.integration.upgrade.dump import Broker, Dump, LogRecord
from tests.integration.upgrade.history import REGIONS, SETTINGS, STOPPED_AT, live_through

SHOW = "stream_app.scripts.show_joint_regime_context"
PG_DUMP = ("pg_dump", "--no-owner", "--no-privileges", "--no-comments")


def main() -> None:
    """Run the product through the history on services of its own, and keep what it leaves."""
    dump = Dump(metadata.version("stream-app"))
    dump.folder.mkdir()
    dump.regions.write_text(REGIONS, encoding="utf-8")
    with TemporaryDirectory() as folder:
        try:
            endpoints = embedded.start(Path(folder))
            asyncio.run(_live(endpoints, dump))
            dump.write_database(_output([str(binary(PG_DUMP[0])), *PG_DUMP[1:], endpoints.database_url]))
            dump.shown.write_bytes(
                _output([sys.executable, "-m", SHOW], STREAM_APP_DATABASE_URL=endpoints.database_url)
            )
        finally:
            embedded.stop(Path(folder))


async def _live(endpoints: Endpoints, dump: Dump) -> None:
    await upgrade(endpoints.database_url)
    clock, model = FixedClock(STOPPED_AT), QuickModel()
    with patch.object(TextEncoder, "load", lambda *_settings: model.encoder()):
        async with pipeline(
            endpoints, endpoints.database_url, dump.topic_prefix, clock=clock, regions=dump.regions, **SETTINGS
        ) as path:
            await live_through(path, clock)
            dump.write_log(await _records(path), await _broker(path))


async def _records(path: Pipeline) -> list[LogRecord]:
    """Every record. Offsets must begin at 0 without a gap, else a restored log could not have the same ones."""
    records = [LogRecord.of(topic.name, record) for topic in TOPICS for record in await path.read(topic.name)]
    for topic in TOPICS:
        for partition in range(path.settings.topic_partitions):
            offsets = [
                record.offset for record in records if (record.topic, record.partition) == (topic.name, partition)
            ]
            assert offsets == list(range(len(offsets))), f"{topic.name}[{partition}] has gaps"
    return records


async def _broker(path: Pipeline) -> Broker:
    found = await committed_offsets(path)
    return Broker(
        partitions=path.settings.topic_partitions,
        configs={topic.name: dict(topic.configs) for topic in TOPICS},
        committed={
            stage: (topic, {partition: offset for (of, partition), offset in sorted(found.items()) if of == topic})
            for stage, topic in STAGE_TOPICS.items()
        },
    )


def _output(command: list[str], **environment: str) -> bytes:
    return subprocess.run(command, env=os.environ | environment, stdout=subprocess.PIPE, check=True).stdout


if __name__ == "__main__":
    main()

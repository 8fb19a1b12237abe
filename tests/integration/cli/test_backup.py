"""Backup and restore as docs/operations.md has them: the topics stay, and the tables come to be what they were."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from schemas.topics import CONTEXTS
from stream_app.embedded.postgres import binary
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.written import ROOT, block, run_script
from tests.integration.lived import DAYS, LIVE, TABLES, dump, first_records, late_records, settled
from tests.integration.pipeline import Pipeline, Place, until
from tests.integration.text_models import QuickModel

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
BACKED_UP_AFTER = 3
"""Late records; the others come after the backup."""


@pytest.fixture
async def empty(place: Place) -> AsyncIterator[Place]:
    """The same topics with a database that has no table yet."""
    server, _, first = place.database_url.rpartition("/")
    name = f"{first}_restored"
    connection = await asyncpg.connect(place.endpoints.database_url)
    await connection.execute(f'CREATE DATABASE "{name}"')
    yield replace(place, database_url=f"{server}/{name}")
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


async def run_as_written(shell: CommandLine, place: Place, containing: str) -> None:
    """Run the document's block with these words, on the place's database."""
    own = {
        "STREAM_APP_KAFKA_URL": place.endpoints.kafka.servers,
        "STREAM_APP_DATABASE_URL": place.database_url,
        "STREAM_APP_TOPIC_PREFIX": place.topic_prefix,
        "PATH": f"{binary('pg_dump').parent}:{shell.environment['PATH']}",
    }
    on_database = CommandLine(shell.folder, shell.environment | own)
    await asyncio.to_thread(run_script, on_database, block(OPERATIONS, "sh", containing))


async def contexts(path: Pipeline) -> list[bytes]:
    """The contexts' bytes on the topic, repeated ones too."""
    return [record.value for record in await path.read(CONTEXTS.name)]


async def test_a_restored_backup_catches_up_to_the_same_tables_and_publishes_nothing_but_the_same(
    place: Place,
    empty: Place,
    model: QuickModel,
    bare: CommandLine,
) -> None:
    async with place.pipeline(**LIVE) as path:
        path.start("prices", "news", "contexts")
        await path.send(*first_records())
        await path.send_raw("news.articles", 1, (b"x", b"no article"))
        await path.close("US", *DAYS[:2])
        await settled(path)
        for number, record in enumerate(late_records()):
            if number == BACKED_UP_AFTER:
                await run_as_written(bare, place, "pg_dump --format")
                backed_up = await path.value("SELECT max(sequence) FROM joint_embedding_revisions")
                await path.close("US", DAYS[2])
            await path.send(record)
            await settled(path)
        await path.stop()
        before, published, encoded = await dump(path), await contexts(path), len(model.encoded)
        since = await path.value("SELECT count(*) FROM joint_embedding_revisions WHERE sequence > $1", backed_up)
        assert since > 2, "the backup must lack revisions, or there is nothing to catch up with"

    await run_as_written(bare, empty, "pg_restore --exit-on-error")
    async with empty.pipeline(**LIVE) as path:
        restored = await dump(path)
        assert [table for table in TABLES if restored[table] != before[table]], "it is an older state"
        assert restored["day_triggers"], "and no empty one"
        path.start("prices", "news", "contexts")

        async def all_triggers_known() -> bool:
            count: int = await path.value("SELECT count(*) FROM day_triggers")
            return count >= len(before["day_triggers"])

        await until(all_triggers_known, "the log's triggers are here again")
        await settled(path)
        await path.stop()
        after, published_again = await dump(path), await contexts(path)

    for table in TABLES:
        assert after[table] == before[table], table
    assert len(model.encoded) == encoded, "nothing may be encoded again"
    assert set(published_again) == set(published)
    assert len(published_again) == len(published) + since, "what was made since is published again, and no more"


def test_the_folder_of_the_programs_is_printed_as_written(bare: CommandLine) -> None:
    ran = run_script(bare, block(OPERATIONS, "sh", "import binary"))
    assert (Path(ran.stdout.strip()) / "pg_restore").is_file()


def test_every_link_of_the_page_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", OPERATIONS)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).resolve().exists()] == []

"""The fixtures of tests/conftest.py: each test has a migrated database and topics of its own."""

import asyncpg
import pytest

from stream_app.store.migrate import status


@pytest.mark.parametrize("once_and_again", [1, 2])
async def test_every_test_begins_with_an_empty_migrated_database(database_url: str, once_and_again: int) -> None:
    assert (await status(database_url)).up_to_date
    database = await asyncpg.connect(database_url)
    await database.execute("CREATE TABLE only_here ()")
    await database.close()


def test_a_topic_prefix_tells_its_test(topic_prefix: str) -> None:
    assert topic_prefix.startswith("test-a-topic-prefix-tells-its-test-")

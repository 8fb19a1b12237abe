"""A pool on the test's own database."""

from collections.abc import AsyncIterator

import pytest

from stream_app.store.database import Pool, create_pool


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Connections with the product's codecs."""
    made = await create_pool(database_url)
    yield made
    await made.close()

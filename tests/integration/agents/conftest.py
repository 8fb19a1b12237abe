"""A price stage on a real database, without a broker."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stream_app.clock import SystemClock
from stream_app.config import load_regions, load_settings
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.offsets import LogReader
from stream_app.models import models_in_use
from stream_app.replay.from_log import Withheld, WithheldLanes
from stream_app.services import Services
from stream_app.store.database import create_pool
from tests.integration.agents.prices import WINDOW_DAYS
from tests.models_file import with_models

NOWHERE = KafkaAccess("127.0.0.1:9")


@pytest.fixture
async def services(database_url: str, tmp_path: Path) -> AsyncIterator[Services]:
    """A database, and no broker."""
    pool = await create_pool(database_url)
    settings = load_settings(with_models(tmp_path, {"window_days": WINDOW_DAYS}))
    yield Services(
        settings=settings,
        regions=load_regions(),
        models=models_in_use(settings),
        database_url=database_url,
        pool=pool,
        publisher=Withheld(NOWHERE),
        fenced=WithheldLanes(NOWHERE, ""),
        log=LogReader(NOWHERE),
        clock=SystemClock(),
    )
    await pool.close()

"""However a producer compresses, its records are read."""

import datetime as dt

import pytest

from schemas import encode
from tests.integration.pipeline import Place, close
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel

DAY = dt.date(2008, 9, 15)


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
async def test_records_are_read_however_their_producer_compresses(
    place: Place, model: QuickModel, compression: str
) -> None:
    async with place.pipeline() as path, stepping(path, model) as steps:
        price = (b"SPX.US", encode(close("SPX.US", DAY, 1192.7)))
        await path.send_raw("prices.closes", 0, price, compression=compression)
        await steps.apply(steps.prices)
        assert await path.value("SELECT close FROM prices_daily") == 1192.7

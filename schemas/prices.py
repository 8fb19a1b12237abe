"""What travels on `prices.closes`."""

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.fields import Metadata, Version1, check_year, version_1

# Prices and volumes become float32, and a vector's norm sums their squares in float32: within these bounds a window of
# 128 rows stays finite, and so does the logarithm of a price that went through float32.
LEAST_PRICE = 1e-30
LARGEST_NUMBER = 1e17

InstrumentId = Annotated[str, Meta(min_length=1, max_length=200, description="The field's id, e.g. SPX.US")]
Price = Annotated[
    float, Meta(ge=LEAST_PRICE, le=LARGEST_NUMBER, description="In the instrument's currency; positive and finite")
]
Volume = Annotated[float, Meta(ge=0, le=LARGEST_NUMBER, description="In units traded; 0 means unknown")]


class PriceClose(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One instrument's close of one trading day. Key: instrument_id. Natural key: (instrument_id, trade_date).

    The newest record of a natural key is current. `retracted` takes the price back and needs only the natural key;
    any other record needs close and volume too, and a `trade_date` at most 7 days after its own Kafka time.
    `trade_date` lies in the years 1678 to 2261.
    """

    schema_version: Version1 = msgspec.field(default_factory=version_1)
    instrument_id: InstrumentId
    trade_date: dt.date
    close: Price | None = None
    volume: Volume | None = None
    open: Price | None = None
    high: Price | None = None
    low: Price | None = None
    adjusted_close: Price | None = None
    currency: Annotated[str, Meta(max_length=16)] | None = None
    metadata: Metadata | None = None
    retracted: bool = False

    def __post_init__(self) -> None:
        check_year("trade_date", self.trade_date)
        if not self.retracted:
            if self.close is None:
                raise ValueError("close is missing")
            if self.volume is None:
                raise ValueError("volume is missing (0 means unknown)")

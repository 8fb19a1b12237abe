"""What travels on `prices.closes`."""

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

InstrumentId = Annotated[str, Meta(min_length=1, max_length=200, description="The field's id, e.g. SPX.US")]
Price = Annotated[float, Meta(gt=0, description="In the instrument's currency; positive and finite")]


class PriceClose(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One instrument's close of one trading day. Key: instrument_id. Natural key: (instrument_id, trade_date).

    The newest record of a natural key is current. `retracted` takes the price back and needs only the natural key.
    """

    schema_version: Literal[1] = 1
    instrument_id: InstrumentId
    trade_date: dt.date
    close: Price | None = None
    volume: Annotated[float, Meta(ge=0, description="In units traded; 0 means unknown")] | None = None
    open: Price | None = None
    high: Price | None = None
    low: Price | None = None
    adjusted_close: Price | None = None
    currency: Annotated[str, Meta(max_length=16)] | None = None
    metadata: dict[str, Any] | None = None
    retracted: bool = False

    def __post_init__(self) -> None:
        if not self.retracted:
            if self.close is None:
                raise ValueError("close is missing")
            if self.volume is None:
                raise ValueError("volume is missing (0 means unknown)")

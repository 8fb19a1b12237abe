"""The events of windows: which are young enough to be published, and how they travel."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from agents.placing import Placed
from schemas import NumericWindowEmbedded, PriceClose, Vector, encode, event_id
from stream_app.kafka.producing import Outgoing
from stream_app.models import NumericModel
from stream_app.store.numeric_windows import WindowVectors

ONE_DAY = dt.timedelta(days=1)


class WindowEvents:
    """Makes the records of windows. A window is published within `max_age_days` of its day."""

    def __init__(self, topic: str, max_age_days: int) -> None:
        self._topic = topic
        self._max_age = max_age_days * ONE_DAY

    def oldest(self, close: Placed[PriceClose]) -> dt.date:
        """The oldest window day that is published for a record: so many days before its Kafka time."""
        return dt.datetime.fromtimestamp(close.log_timestamp_ms / 1000, dt.UTC).date() - self._max_age

    def records(self, closes: Sequence[Placed[PriceClose]], model: NumericModel, made: WindowVectors) -> list[Outgoing]:
        """The records of the windows of a model that these closes made, without the old ones."""
        newest = {close.event.instrument_id: close for close in closes}
        oldest = {name: np.datetime64(self.oldest(newest[name])) for name in set(made.instruments)}
        young = np.flatnonzero(made.as_ofs >= min(oldest.values())).tolist() if oldest else []
        return [
            Outgoing(self._topic, made.instruments[index].encode(), encode(_event(model, made, index)))
            for index in young
            if made.as_ofs[index] >= oldest[made.instruments[index]]
        ]


def _event(model: NumericModel, made: WindowVectors, index: int) -> NumericWindowEmbedded:
    instrument_id, as_of = made.instruments[index], made.as_ofs[index].item()
    vector = Vector.of(made.vectors[index])
    return NumericWindowEmbedded(
        event_id=event_id(
            "window", instrument_id, as_of, model.model_id, model.window_days, model.fingerprint, vector.data
        ),
        instrument_id=instrument_id,
        as_of=as_of,
        window_days=model.window_days,
        rows=int(made.rows[index]),
        model_id=model.model_id,
        fingerprint=model.fingerprint,
        vector=vector,
    )

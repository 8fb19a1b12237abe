"""What people look at of the regimes: the label of each day, and the days that change it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from stream_app.store.database import Connection
from stream_app.store.regimes import one_a_day

_CHOSEN = """
    ($1::text[] IS NULL OR region = ANY($1::text[])) AND ($2::date IS NULL OR as_of_date >= $2)
        AND ($3::date IS NULL OR as_of_date <= $3) AND ($4::text[] IS NULL OR model_id = ANY($4::text[]))
"""
_NEWEST = """
    SELECT * FROM ({days} ORDER BY as_of_date DESC, region DESC, model_id DESC LIMIT $5) AS newest
    ORDER BY as_of_date, region, model_id
"""
_LABEL = "as_of_date, region, model_id, regimes_model_id, regime_label, confidence"
DAYS = _NEWEST.format(days=f"SELECT * FROM ({one_a_day(_LABEL, _CHOSEN)}) AS of_days")
TRANSITIONS = _NEWEST.format(
    days=f"""
        SELECT as_of_date, region, model_id, from_label, to_label, confidence FROM regime_transitions WHERE {_CHOSEN}
    """
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Which days, and of which models: None means no bound; of more than `limit` the newest are taken."""

    regions: Sequence[str] | None
    first: dt.date | None
    last: dt.date | None
    models: Sequence[str] | None
    limit: int

    def parameters(self) -> tuple[object, ...]:
        """The values for the placeholders $1 to $5."""
        regions, models = (None if names is None else list(names) for names in (self.regions, self.models))
        return regions, self.first, self.last, models, self.limit


async def days(connection: Connection, asked: Labelled) -> list[tuple[object, ...]]:
    """Day, region, numeric model, fitted regimes (None: nobody's), label and confidence, newest last."""
    return [tuple(row) for row in await connection.fetch(DAYS, *asked.parameters())]


async def transitions(connection: Connection, asked: Labelled) -> list[tuple[object, ...]]:
    """Day, region, fitted regimes, the label before and after, and the new one's confidence, newest last."""
    return [tuple(row) for row in await connection.fetch(TRANSITIONS, *asked.parameters())]

"""Stored contexts of a region, as a frame of what is told of each day and a matrix of the days' vectors."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from schemas import DIM
from stream_app import iso8601
from stream_app.config import Settings, load_regions, load_settings
from stream_app.endpoints import find_database
from stream_app.errors import UsageError
from stream_app.export.arrow import WITHOUT_VECTORS, record_batch
from stream_app.models import load_registry
from stream_app.store import exported, migrate, models, region_days
from stream_app.store.database import errors_told_apart
from stream_app.store.exported import DayChunk, ExportQuery


@dataclass(frozen=True, slots=True, eq=False)
class Contexts:
    """Days of a region, one row each, the oldest first.

    `frame` has the columns of `stream-app export` but region and vector, indexed by `as_of` (datetime64, no zone);
    what is not known is missing (pandas' NA, NaT, None). `vectors` is float32 (days, 384) in the frame's order; a day
    without a vector is NaN. `fingerprints` names, by id, the models that the days were computed with.
    """

    frame: pd.DataFrame
    vectors: NDArray[np.float32]
    fingerprints: Mapping[str, str]

    def __len__(self) -> int:
        """How many days."""
        return len(self.frame)


def contexts(  # noqa: PLR0913 - what follows the asterisk is by name
    region: str,
    start: dt.date | str | None = None,
    end: dt.date | str | None = None,
    known_at: dt.datetime | str | None = None,
    *,
    model_id: str | None = None,
    absent: bool = False,
    settings: Settings | None = None,
) -> Contexts:
    """Each day's newest context from `start` to `end`, both inclusive (None: no bound), from Postgres.

    With `known_at` (an instant with an offset) the newest that was known then, as `stream-app export --known-at` has
    it. `model_id` is a joint model's, else the first of the setting `joint_models`; `absent` takes in days without a
    vector. Can be called where an event loop runs, as in a notebook: it blocks until all is read.

    Raises UsageError for what cannot be asked, Away (which is Retriable) while Postgres does not answer, and Fatal
    where the database is another release's. Needs some 6 kB of memory a day.
    """
    settings = load_settings() if settings is None else settings
    _check_name(region, "region")
    model_id = settings.joint_models[0] if model_id is None else model_id
    _check_name(model_id, "model_id")
    first, last = _date(start, "start"), _date(end, "end")
    if first is not None and last is not None and first > last:
        raise UsageError(f"start {first} is after end {last}.")
    query = ExportQuery(model_id, [region], first, last, _instant(known_at), absent)
    with ThreadPoolExecutor(1, "contexts") as thread:
        found, is_stored = thread.submit(asyncio.run, _read(find_database(settings), query, region)).result()
    if not is_stored and region not in (known := load_regions(settings.regions)):
        raise UsageError(f"There is no region {region!r}; the regions file has {', '.join(sorted(known))}.")
    if not len(found) and model_id not in found.fingerprints and model_id not in load_registry(settings.models_file):
        raise UsageError(f"There is no joint model {model_id!r}, neither in the models file nor in the database.")
    return found


async def _read(database_url: str, query: ExportQuery, region: str) -> tuple[Contexts, bool]:
    """The contexts, and whether anything of the region is stored."""
    await migrate.check(database_url)
    async with exported.snapshot(database_url) as connection:
        chunks = [chunk async for chunk in exported.chunks(connection, query)]
        async with errors_told_apart():
            found = await models.named(connection, _named(chunks) or {query.model_id})
            is_stored = await region_days.is_stored(connection, region)
    fingerprints = {model.model_id: model.fingerprint for model in found}
    return Contexts(_frame(chunks), _matrix(chunks), fingerprints), is_stored


def _named(chunks: list[DayChunk]) -> set[str]:
    days = (day for chunk in chunks for day in chunk.days)
    return {each for day in days for each in (day.model_id, day.numeric_model_id, day.text_model_id) if each}


def _frame(chunks: list[DayChunk]) -> pd.DataFrame:
    table = pa.Table.from_batches([record_batch(chunk, with_vectors=False) for chunk in chunks], WITHOUT_VECTORS)
    integers = {pa.int32(): pd.Int32Dtype(), pa.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = table.drop_columns("region").to_pandas(date_as_object=False, types_mapper=integers.get)
    return frame.set_index("as_of")


def _matrix(chunks: list[DayChunk]) -> NDArray[np.float32]:
    return np.concatenate([np.empty((0, DIM), np.float32), *(chunk.vectors for chunk in chunks)])


def _check_name(given: object, name: str) -> None:
    if not isinstance(given, str) or "\0" in given:
        raise UsageError(f"{name}: {given!r} is not one name.")


def _date(given: object, name: str) -> dt.date | None:
    """A date; of a time stamp, as pandas has them, the day."""
    if given is None:
        return None
    try:
        if isinstance(given, str):
            return iso8601.date(given)
        if isinstance(given, dt.datetime) and not pd.isna(given):
            return given.date()
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None
    if not isinstance(given, dt.date) or isinstance(given, dt.datetime):
        raise UsageError(f"{name}: {given!r} is no date.")
    return given


def _instant(given: object) -> dt.datetime | None:
    if isinstance(given, str):
        try:
            return iso8601.instant(given)
        except ValueError as error:
            raise UsageError(f"known_at: {error}") from None
    if given is not None and not isinstance(given, dt.datetime):
        raise UsageError(f"known_at: {given!r} is no instant.")
    if given is not None and given.tzinfo is None:
        raise UsageError(f"known_at {given.isoformat()} has no offset; give it one, as datetime.UTC.")
    return given

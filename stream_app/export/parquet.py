"""Parquet: a row group a chunk, the vector a list of fixed size. It imports pyarrow: import it for such a file only."""

from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas import DIM
from stream_app.export.columns import COLUMNS, values
from stream_app.store.exported import DayChunk
from stream_app.store.models import Model

TYPES = {
    "text": pa.string(),
    "texts": pa.list_(pa.string()),
    "date": pa.date32(),
    "instant": pa.timestamp("us", "UTC"),
    "integer": pa.int32(),
    "float64": pa.float64(),
    "float32": pa.float32(),
    "flag": pa.bool_(),
}
SCHEMA = pa.schema([(name, TYPES[column.kind]) for name, column in COLUMNS.items()]).append(
    pa.field("vector", pa.list_(pa.float32(), DIM))
)
MODELS_KEY = "models"
"""Of the file's metadata: JSON, an array of the models with their fingerprints."""
REPEATING = [name for name, column in COLUMNS.items() if column.kind == "text"]
"""Columns written as a dictionary of their values; for vectors one would only be in the way."""


class ParquetContexts:
    """Writes contexts as Parquet; what is not known is null, and so is a vector that a day lacks."""

    def __init__(self, file: BinaryIO) -> None:
        self._writer = pq.ParquetWriter(file, SCHEMA, use_dictionary=REPEATING)

    def write(self, chunk: DayChunk) -> None:
        """Write a row group."""
        told = [pa.array(column, SCHEMA.field(name).type) for name, column in values(chunk).items()]
        lacking = pa.array(np.array([day.vector is None for day in chunk.days]))
        numbers = pa.array(chunk.vectors.reshape(-1))
        matrix = pa.FixedSizeListArray.from_arrays(numbers, type=SCHEMA.field("vector").type, mask=lacking)
        self._writer.write_batch(pa.record_batch([*told, matrix], schema=SCHEMA))

    def finish(self, models: Sequence[Model]) -> None:
        """Write the models into the file's metadata, and its end."""
        self._writer.add_key_value_metadata({MODELS_KEY: msgspec.json.encode(models).decode()})
        self._writer.close()

    def close(self) -> None:
        """End the file, if it is not ended; where it cannot even be written to, its own error has told of that."""
        with suppress(OSError):
            self._writer.close()

"""Parquet: a row group a chunk, the vector a list of fixed size. It imports pyarrow: import it for such a file only."""

from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO

import msgspec
import pyarrow.parquet as pq

from stream_app.export.arrow import SCHEMA, record_batch
from stream_app.export.columns import COLUMNS
from stream_app.store.exported import DayChunk
from stream_app.store.models import Model

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
        self._writer.write_batch(record_batch(chunk))

    def finish(self, models: Sequence[Model]) -> None:
        """Write the models into the file's metadata, and its end."""
        self._writer.add_key_value_metadata({MODELS_KEY: msgspec.json.encode(models).decode()})
        self._writer.close()

    def close(self) -> None:
        """End the file, if it is not ended; where it cannot even be written to, its own error has told of that."""
        with suppress(OSError):
            self._writer.close()

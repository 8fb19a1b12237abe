"""Days as an Arrow record batch: the columns' types. It imports pyarrow: import it where such a file is made."""

from typing import Any

import numpy as np
import pyarrow as pa

from schemas import DIM
from stream_app.export.columns import COLUMNS, values
from stream_app.store.exported import DayChunk

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
VECTOR = pa.list_(pa.float32(), DIM)
WITHOUT_VECTORS = pa.schema([(name, TYPES[column.kind]) for name, column in COLUMNS.items()])
SCHEMA = WITHOUT_VECTORS.append(pa.field("vector", VECTOR))


def record_batch(chunk: DayChunk, with_vectors: bool = True) -> Any:
    """The days; what is not known is null, and so is a vector that a day lacks."""
    told = [pa.array(column, SCHEMA.field(name).type) for name, column in values(chunk).items()]
    if not with_vectors:
        return pa.record_batch(told, schema=WITHOUT_VECTORS)
    lacking = pa.array(np.array([day.vector is None for day in chunk.days], dtype=bool))
    numbers = pa.array(chunk.vectors.reshape(-1))
    matrix = pa.FixedSizeListArray.from_arrays(numbers, type=VECTOR, mask=lacking)
    return pa.record_batch([*told, matrix], schema=SCHEMA)

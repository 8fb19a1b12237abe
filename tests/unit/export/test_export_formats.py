"""Each format gives back what was written, to the bit, with the same bytes each time, and a chunk at a time."""

import csv
import datetime as dt
import io
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stream_app.export.columns import COLUMNS
from stream_app.export.formats import FORMATS, Format
from stream_app.export.writer import open_writer
from stream_app.store.exported import DayChunk
from tests.unit.export.days import (
    FRIDAY,
    INSTRUMENTS,
    JOINT,
    MODELS,
    MONDAY,
    TUESDAY,
    chunk,
    context,
    filled_in,
    of_context,
    vector,
)

EU = context(FRIDAY, vector(1), region='EU, "west"', stale=True, absent_reason=None)
ABSENT = context(MONDAY, None, revision=12, instruments=(), numeric_last_date=None, regime_label=None)
CHUNKS = (
    chunk(of_context(EU), filled_in(FRIDAY, vector(2))),
    chunk(of_context(ABSENT), of_context(context(TUESDAY, vector(3)))),
)
VECTORS = np.array([vector(1), vector(2), np.full(384, np.nan), vector(3)], np.float32)
HAVE_VECTORS = [True, True, False, True]
ABSENT_ROW = 2


def bits(matrix: Any) -> Any:
    """Numbers by their bits, so that a sign of zero counts."""
    return np.ascontiguousarray(matrix, np.float32).view(np.uint32)


def written(form: Format, *chunks: DayChunk, folder: Path | None = None) -> bytes:
    file = io.BytesIO()
    with closing(open_writer(form, file, folder)) as writer:
        for each in chunks:
            writer.write(each)
        writer.finish(MODELS)
    return file.getvalue()


def arrays(data: bytes) -> dict[str, Any]:
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return dict(archive)


def test_parquet_holds_every_column_with_its_type_and_null_for_what_is_not_known() -> None:
    table = pq.read_table(io.BytesIO(written("parquet", *CHUNKS)))
    assert table.column_names == [*COLUMNS, "vector"]
    assert table.schema.field("vector").type == pa.list_(pa.float32(), 384)
    first, filled, absent, _ = table.to_pylist()
    assert first["known_at"] == EU.known_at
    assert first["instruments"] == list(INSTRUMENTS)
    assert {name for name, value in filled.items() if value is not None} == {
        "region",
        "as_of",
        "origin",
        "model_id",
        "numeric_model_id",
        "text_model_id",
        "l2_norm",
        "vector",
    }
    assert (absent["vector"], absent["l2_norm"], absent["absent_reason"]) == (None, None, "no-news")
    assert (absent["instruments"], absent["numeric_last_date"], absent["revision"]) == ([], None, 12)
    stored = table["vector"].drop_null().combine_chunks().flatten().to_numpy()
    assert (bits(stored).reshape(-1, 384) == bits(VECTORS[HAVE_VECTORS])).all()


def test_parquet_has_a_row_group_a_chunk_and_the_models_in_its_metadata() -> None:
    file = pq.ParquetFile(io.BytesIO(written("parquet", *CHUNKS)))
    assert [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)] == [2, 2]
    told = json.loads(file.metadata.metadata[b"models"])
    assert {model["model_id"]: model["fingerprint"] for model in told} == {
        model.model_id: model.fingerprint for model in MODELS
    }


def test_npz_holds_an_array_a_column_without_pickle() -> None:
    found = arrays(written("npz", *CHUNKS))
    assert list(found) == ["vectors", *COLUMNS, "models", "fingerprints"]
    assert {len(found[name]) for name in ("vectors", *COLUMNS)} == {4}
    assert (bits(found["vectors"][HAVE_VECTORS]) == bits(VECTORS[HAVE_VECTORS])).all()
    assert np.isnan(found["vectors"][ABSENT_ROW]).all()
    assert found["region"].tolist() == ['EU, "west"', "US", "US", "US"]
    assert found["as_of"].dtype == np.dtype("datetime64[D]")
    assert found["as_of"].tolist() == [FRIDAY, FRIDAY, MONDAY, TUESDAY]
    assert found["known_at"].dtype == np.dtype("datetime64[us]")
    assert found["known_at"][0] == np.datetime64("2008-09-12T20:15:01.005")
    assert np.isnat(found["known_at"]).tolist() == [False, True, False, False]
    assert found["revision"].tolist() == [1, -1, 12, 1]
    assert found["absent_reason"].tolist() == ["", "", "no-news", ""]
    assert found["instruments"].tolist() == ["NDX.US|SPX.US", "", "", "NDX.US|SPX.US"]
    assert found["l2_norm"].dtype == np.float32
    assert dict(zip(found["models"].tolist(), found["fingerprints"].tolist(), strict=True))[JOINT] == "fingerprint j"


def test_csv_gives_pandas_the_float32_back() -> None:
    table = pd.read_csv(io.BytesIO(written("csv", *CHUNKS)), keep_default_na=False, na_values=[""])
    assert list(table.columns) == [*COLUMNS, *(f"v{number:03}" for number in range(384))]
    numbers = table.loc[:, "v000":"v383"].to_numpy(np.float32)
    assert (bits(numbers[HAVE_VECTORS]) == bits(VECTORS[HAVE_VECTORS])).all()
    assert np.isnan(numbers[ABSENT_ROW]).all()
    assert table["region"].tolist() == ['EU, "west"', "US", "US", "US"]
    assert table["instruments"].tolist()[0] == "NDX.US|SPX.US"
    known = pd.to_datetime(table["known_at"].dropna(), format="ISO8601")
    assert known.iloc[0].to_pydatetime() == dt.datetime(2008, 9, 12, 20, 15, 1, 5000, dt.UTC)


def test_csv_is_lines_of_text_that_plain_python_reads() -> None:
    first, filled, absent, _ = csv.DictReader(written("csv", *CHUNKS).decode().splitlines())
    assert (first["as_of"], first["stale"], first["regime_confidence"]) == ("2008-09-12", "true", "0.1")
    assert first["closed_at"] == "2008-09-12T20:15:00.000000Z"
    assert (bits([float(first[f"v{n:03}"]) for n in range(384)]) == bits(vector(1))).all()
    assert (filled["revision"], filled["origin"]) == ("", "backfill")
    assert (absent["v000"], absent["l2_norm"]) == ("", "")


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_days_are_the_same_bytes(form: Format, tmp_path: Path) -> None:
    assert written(form, *CHUNKS) == written(form, *CHUNKS, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["csv", "npz"])
def test_how_days_were_chunked_leaves_no_trace(form: Format) -> None:
    assert written(form, *CHUNKS) == written(form, chunk(*CHUNKS[0].days, *CHUNKS[1].days))


def test_an_export_without_days_is_a_file_with_its_columns() -> None:
    assert pq.read_table(io.BytesIO(written("parquet"))).shape == (0, len(COLUMNS) + 1)
    assert pd.read_csv(io.BytesIO(written("csv"))).shape == (0, len(COLUMNS) + 384)
    found = arrays(written("npz"))
    assert found["vectors"].shape == (0, 384)
    assert (found["as_of"].dtype, found["as_of"].shape) == (np.dtype("datetime64[D]"), (0,))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_chunk_leaves_for_the_file_when_it_is_written(form: Format) -> None:
    file = io.BytesIO()
    with closing(open_writer(form, file, None)) as writer:
        sizes = []
        for _ in range(3):
            writer.write(CHUNKS[0])
            sizes.append(file.tell())
    assert np.diff(sizes).min() > 2 * 384 * 4

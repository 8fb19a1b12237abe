"""Rows of contexts for JSON, copied out of the stored payloads or their summaries: what is in them was published.

Both hold the context's own JSON, so a row's fields are cut out of it as they are, without decoding and encoding each
again. They must say the same as an export's columns; a test holds them equal.
"""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
import numpy as np
from msgspec import UNSET, Raw

from schemas import DIM, Vector
from stream_app.export.columns import COLUMNS
from stream_app.regime.joint import l2_norms
from stream_app.store import vectors
from stream_app.web.answers.contexts import ContextRow

NULL = Raw(b"null")


class _Window(msgspec.Struct):
    instrument_id: Raw


class _Vector(msgspec.Struct):
    data: bytes


OTHERS = {"origin": Any, "instruments": list[_Window] | None, "l2_norm": Any}
"""Columns that do not stand in a payload as they do in a row."""
# A ContextRow whose fields are JSON already.
_Row = msgspec.defstruct(
    "_Row",
    [(name, OTHERS[name], None) if name in OTHERS else (name, Raw, NULL) for name in (*COLUMNS, "vector")],
)
_rows = msgspec.json.Decoder(_Row)
_vectors = msgspec.json.Decoder(_Vector)


def rows(stored: Sequence[Any], with_vectors: bool) -> Sequence[ContextRow]:
    """The rows of a page of `store.pages`, in its order; they are encoded as ContextRow, and are no more than that."""
    made, vectored, found = list[Any](), list[Any](), list[bytes]()
    for each in stored:
        row, vector = (_filled_in if each["origin"] == "backfill" else _live)(each)
        if vector is not None:
            vectored.append(row)
            found.append(vector)
        if not with_vectors:
            row.vector = UNSET
        made.append(row)
    norms = l2_norms(np.frombuffer(b"".join(found), "<f4").reshape(-1, DIM))
    for row, norm in zip(vectored, norms.tolist(), strict=True):
        row.l2_norm = norm
    return cast("list[ContextRow]", made)


def _live(stored: Any) -> tuple[Any, bytes | None]:
    """A row, and its vector's numbers, little-endian float32, from which its norm comes where it has none."""
    row: Any = _rows.decode(stored["summary"] if stored["payload"] is None else stored["payload"])
    row.origin = stored["origin"]
    row.instruments = [window.instrument_id for window in row.instruments]
    return row, None if row.vector == NULL else _vectors.decode(row.vector).data


def _filled_in(stored: Any) -> tuple[Any, bytes]:
    """Of a day that a seed command filled in no more is known than its vector and its models."""
    vector, scope = Vector.of(vectors.from_rows([stored["vector"]], DIM)[0]), stored["entity_scope"] or {}
    row = _Row(
        region=stored["region"],
        as_of=stored["as_of_date"],
        origin=stored["origin"],
        model_id=stored["model_id"],
        numeric_model_id=scope.get("numeric_model_id"),
        text_model_id=scope.get("text_model_id"),
        vector=vector,
    )
    return row, vector.data

"""Rows of contexts for JSON, copied out of the stored payloads: what is in them is what was published.

A payload is the context's own JSON, so a row's fields are cut out of it as they are, without decoding and encoding each
again. They must say the same as an export's columns; a test holds them equal.
"""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
import numpy as np
from msgspec import Raw

from schemas import DIM, JointRegimeContext, Vector
from stream_app.export.columns import COLUMNS
from stream_app.regime.joint import l2_norms
from stream_app.store import vectors
from stream_app.web.answers.contexts import ContextRow

NULL = Raw(b"null")
CUT_OUT = [name for name in COLUMNS if name in JointRegimeContext.__struct_fields__ and name != "instruments"]
"""The columns that stand in a payload as they do in a row."""


class _Window(msgspec.Struct):
    instrument_id: Raw


class _Vector(msgspec.Struct):
    data: bytes


_Payload = msgspec.defstruct(
    "_Payload", [*((name, Raw, NULL) for name in CUT_OUT), ("instruments", list[_Window], []), ("vector", Raw, NULL)]
)
_payloads = msgspec.json.Decoder(_Payload)
_vectors = msgspec.json.Decoder(_Vector)


def rows(stored: Sequence[Any], with_vectors: bool) -> Sequence[ContextRow]:
    """The rows of a page of `store.pages`, in its order; they are encoded as ContextRow, and are no more than that."""
    made, vectored, found = list[dict[str, Any]](), list[dict[str, Any]](), list[bytes]()
    for each in stored:
        row, vector = (_filled_in if each["payload"] is None else _live)(each)
        if vector is not None:
            vectored.append(row)
            found.append(vector)
        if not with_vectors:
            del row["vector"]
        made.append(row)
    norms = l2_norms(np.frombuffer(b"".join(found), "<f4").reshape(-1, DIM))
    for row, norm in zip(vectored, norms.tolist(), strict=True):
        row["l2_norm"] = norm
    return cast("list[ContextRow]", made)


def _live(stored: Any) -> tuple[dict[str, Any], bytes | None]:
    """A row without its norm, and its vector's numbers, little-endian float32."""
    payload: Any = _payloads.decode(stored["payload"])
    row = dict.fromkeys(COLUMNS) | {name: getattr(payload, name) for name in CUT_OUT}
    row |= {
        "origin": stored["origin"],
        "instruments": [window.instrument_id for window in payload.instruments],
        "vector": payload.vector,
    }
    return row, None if payload.vector == NULL else _vectors.decode(payload.vector).data


def _filled_in(stored: Any) -> tuple[dict[str, Any], bytes]:
    """Of a day that a seed command filled in no more is known than its vector and its models."""
    vector, scope = Vector.of(vectors.from_rows([stored["vector"]], DIM)[0]), stored["entity_scope"] or {}
    row = dict.fromkeys(COLUMNS) | {
        "region": stored["region"],
        "as_of": stored["as_of_date"],
        "origin": stored["origin"],
        "model_id": stored["model_id"],
        "numeric_model_id": scope.get("numeric_model_id"),
        "text_model_id": scope.get("text_model_id"),
        "vector": vector,
    }
    return row, vector.data

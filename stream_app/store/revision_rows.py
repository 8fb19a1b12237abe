"""Revisions and the regimes of their days as COPY takes them."""

from collections.abc import Sequence
from itertools import repeat

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas import DIM, JointRegimeContext, encode, event_id
from stream_app.regime.joint import l2_norms
from stream_app.store import copying
from stream_app.store.database import jsonb

REVISION_COLUMNS = (
    "region",
    "as_of_date",
    "model_id",
    "revision",
    "trigger_number",
    "event_id",
    "known_at",
    "closed_at",
    "inputs_hash",
    "absent_reason",
    "stale",
    "vector",
    "payload",
    "summary",
    "published",
    "recomputed",
)
REGIME_COLUMNS = (
    "regime_record_id",
    "as_of_date",
    "region",
    "model_id",
    "instruments",
    "regime_label",
    "confidence",
    "regime_embedding",
    "metadata",
    "regimes_model_id",
    "regimes_fingerprint",
)


def revisions(contexts: Sequence[JointRegimeContext], published: bool, recomputed: bool) -> bytearray:
    """Of one region and one model, in the order of REVISION_COLUMNS."""
    present = [context.vector.numpy() for context in contexts if context.vector is not None]
    matrix = np.array(present, np.float32).reshape(-1, DIM)
    vectors, norms = iter(copying.vector_fields(matrix)), iter(l2_norms(matrix).tolist())
    columns = (
        repeat(copying.text(contexts[0].region)),
        [copying.date(context.as_of) for context in contexts],
        repeat(copying.text(contexts[0].model_id)),
        [copying.integer(context.revision) for context in contexts],
        [copying.integer(context.trigger_number) for context in contexts],
        [copying.text(context.event_id) for context in contexts],
        [copying.instant(context.known_at) for context in contexts],
        [copying.instant(context.closed_at) for context in contexts],
        [copying.text(context.inputs_hash) for context in contexts],
        [copying.text(context.absent_reason) for context in contexts],
        [copying.boolean(context.stale) for context in contexts],
        [copying.NULL if context.vector is None else next(vectors) for context in contexts],
        [copying.raw(encode(context)) for context in contexts],
        [copying.raw(summary(c, None if c.vector is None else next(norms))) for c in contexts],
        repeat(copying.boolean(published)),
        [copying.boolean(recomputed and context.revision > 1) for context in contexts],
    )
    return copying.file(columns)


def summary(context: JointRegimeContext, l2_norm: float | None) -> bytes:
    """A context's JSON with its vector's norm in place of the vector: a page of days reads no more than that.

    Postgres keeps a payload of 2.8 kB, most of which is the vector, out of its row, and a summary in it.
    """
    fields = msgspec.structs.asdict(context)
    del fields["vector"]
    return encode(fields | {"l2_norm": l2_norm})


def regimes(region: str, model_id: str, known: Sequence[tuple[JointRegimeContext, NDArray[np.float32]]]) -> bytearray:
    """In the order of REGIME_COLUMNS; at least one."""
    contexts = [context for context, _ in known]
    columns = (
        [copying.text(event_id("regime", region, context.as_of, model_id, "live")) for context in contexts],
        [copying.date(context.as_of) for context in contexts],
        repeat(copying.text(region)),
        repeat(copying.text(model_id)),
        [copying.texts([window.instrument_id for window in context.instruments]) for context in contexts],
        [copying.text(context.regime_label) for context in contexts],
        [copying.NULL if (sure := context.regime_confidence) is None else copying.double(sure) for context in contexts],
        copying.vector_fields(np.array([half for _, half in known])),
        [copying.raw(jsonb({"stale": context.stale})) for context in contexts],
        [copying.text(context.regimes_model_id) for context in contexts],
        [copying.text(context.regimes_fingerprint) for context in contexts],
    )
    return copying.file(columns)

"""What a text model is asked before it is used: whether it is an encoder, how long its texts may be, and whether
bfloat16 keeps its vectors."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stream_app.encoding.encoder import PROBE, TextModel, first_line
from stream_app.regime.text import batches

LEAST_COSINE = 0.999
"""Between a probe's vectors in bfloat16 and in float32."""
LEAST_TOKENS = 16
"""A model that takes fewer reads no headline."""
TOKEN_BUDGET = 1_024
"""Of one batch, padding included."""

PROBES = (
    PROBE,
    "Lehman Brothers files for bankruptcy.",
    "The Federal Reserve cuts its target rate by 75 basis points, to a range of 0 to 0.25 percent.",
    "Crude oil settles at $147.27 a barrel, a record, before it gives back 3.2 %.",
    "Shares rise; shares fall; shares rise again on heavy volume of 1,234,567,890.",
    "日経平均株価は大幅に下落した。",
    "Crédit: l'indice CAC 40 recule — 🙂",
    "$",
    "no",
    "Central banks of six countries lower rates together to calm the markets after a week of losses. " * 8,
    "markets " * 600,
)
"""Texts of many lengths, in several scripts, the longest longer than any model reads."""


class Probed(TextModel, Protocol):
    """A text model that can be looked into."""

    max_tokens: int

    def reads_ahead(self, tokens: list[int]) -> bool:
        """Whether a token's state depends on the tokens after it."""
        ...


def check_encoder(model: Probed) -> int:
    """The dimension of its vectors. ValueError in half a sentence for a model that is no encoder, whose tokenizer does
    not fit it, or whose vectors are none."""
    if model.max_tokens < LEAST_TOKENS:
        raise ValueError(f"its tokenizer cuts texts at {model.max_tokens} tokens")
    tokens = model.tokenize([PROBE])[0]
    try:
        reads_ahead = model.reads_ahead(tokens)
    except Exception as error:  # an encoder and decoder in one asks for more, and one of images for something else
        raise ValueError(f"it is no encoder, or it fails: {first_line(error)}") from error
    if not reads_ahead:
        raise ValueError("it is no encoder, in which every token's state depends on the whole text")
    longest = model.tokenize(["markets " * model.max_tokens])[0]
    try:
        vectors = model.embed([tokens, longest])
    except Exception as error:
        raise ValueError(
            f"its tokenizer cuts texts at {len(longest)} tokens, more than it takes: set model_max_length in its "
            "tokenizer_config.json"
        ) from error
    if not np.isfinite(vectors).all():
        raise ValueError("it gives numbers that are not finite")
    return len(vectors[0])


def embedded(model: TextModel, texts: Sequence[str]) -> NDArray[np.float32]:
    """The texts' vectors (n, dim), in their order. Blocks, and raises as the model does."""
    tokens = model.tokenize(texts)
    chosen = batches(np.array([len(ids) for ids in tokens], np.int64), TOKEN_BUDGET)
    vectors = np.concatenate([model.embed([tokens[index] for index in batch]) for batch in chosen])
    return vectors[np.argsort(np.concatenate(chosen))]


def least_cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The smallest cosine between rows (n, dim) of the same number, each of length 1; NaN counts as -1."""
    cosines = np.einsum("nd,nd->n", one, other, dtype=np.float64)
    return float(np.nan_to_num(cosines, nan=-1.0).min())

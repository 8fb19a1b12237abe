"""Which text model is meant: where its weights are, and by which rules its hidden states become a vector."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Pooling = Literal["mean", "cls"]
"""The mean of the last hidden state over a text's tokens, or the state of its first token."""
Precision = Literal["float32", "bfloat16"]
"""In which numbers the model computes. bfloat16 is taken where it keeps the vectors, else float32."""


@dataclass(frozen=True, slots=True)
class TextModelSpec:
    """A text model by its files and rules: everything that its vectors depend on.

    `source` is a folder or a hub id (None: the packaged all-MiniLM-L6-v2), `projection` a file that
    `stream-app train projection` wrote, which a model of more than 384 numbers needs.
    """

    source: str | None = None
    pooling: Pooling = "mean"
    precision: Precision = "float32"
    projection: Path | None = None

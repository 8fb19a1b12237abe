"""Texts encoded by their content: each content hash gets one vector, or the reason why it has none."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.encoding.encoder import TextEncoder


@dataclass(frozen=True, slots=True, eq=False)
class NewVectors:
    """Texts that had no vector yet: content hashes and float32 (n, 384); and why the others have none."""

    hashes: list[bytes]
    vectors: NDArray[np.float32]
    failures: dict[bytes, str]


NONE = NewVectors([], np.zeros((0, DIM), np.float32), {})
"""No texts."""


async def encode_by_content(encoder: TextEncoder, texts: Mapping[bytes, str]) -> NewVectors:
    """Encode texts, given by their content hash. Raises as the encoder does."""
    keys = list(texts)
    encoded = await encoder.encode(list(texts.values()))
    good = [index for index in range(len(keys)) if index not in encoded.failures]
    failures = {keys[index]: reason for index, reason in encoded.failures.items()}
    return NewVectors([keys[index] for index in good], encoded.vectors[good], failures)

"""A text model that needs no weights, so that a test can count, hold and break what the encoder does."""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.encoding import TextEncoder
from stream_app.models.scalings import decoded
from stream_app.models.tables import PACKAGED_MODELS

WEIGHTS = PACKAGED_MODELS.parent / "models" / "joint-regime-scaled-v2.json"
FINGERPRINT = decoded(WEIGHTS.read_bytes()).fitted.text_fingerprint
"""The packaged text model's, in whose place it stands: weights that were fitted on that one's vectors may be used."""
HELD_SECONDS = 60.0
NOISE = 1e-7
"""By how much the same text's vector differs from one call to the next, as a real model's does by batch shape."""


@dataclass
class QuickModel:
    """A vector of length 1 from the text's hash. No two calls give the same bits, so an encoding repeated shows."""

    encoded: list[str] = field(default_factory=list)
    """Every text it was asked to encode, in order."""
    breaking: set[str] = field(default_factory=set)
    """Texts that it fails on."""
    may_go_on: threading.Event = field(default_factory=threading.Event)
    """Cleared by a test that wants encoding to take long."""
    entered: threading.Event = field(default_factory=threading.Event)
    """Set once an encoding has begun."""
    fingerprint: str = FINGERPRINT

    def __post_init__(self) -> None:
        self.may_go_on.set()

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """A text's bytes are its tokens."""
        return [list(text.encode()) for text in texts]

    def embed(self, tokens: Sequence[list[int]]) -> NDArray[np.float32]:
        """(n, 384)."""
        self.entered.set()
        if not self.may_go_on.wait(HELD_SECONDS):
            raise TimeoutError("the test never let the model go on")
        texts = [bytes(ids).decode() for ids in tokens]
        self.encoded += texts
        if broken := self.breaking.intersection(texts):
            raise ValueError(f"this model cannot read {sorted(broken)}")
        return np.array([self._vector(text) for text in texts], dtype=np.float32)

    def encoder(self) -> TextEncoder:
        """An encoder of this model."""
        return TextEncoder(self, self.fingerprint, token_budget=1024, deadline_seconds=HELD_SECONDS)

    def _vector(self, text: str) -> NDArray[np.float64]:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
        values = np.random.default_rng(seed).normal(size=DIM)
        return values / np.linalg.norm(values) + NOISE * len(self.encoded)

"""The text encoder: batches of like length, one a thread, and what happens when the model fails or hangs."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.encoding.spec import TextModelSpec
from stream_app.encoding.unseen import hide_from_transformers
from stream_app.encoding.worker_threads import WorkerThreads
from stream_app.errors import Fatal, ModelHung
from stream_app.regime.text import batches
from stream_app.setting_types import Device

PROBE = "Stocks fell on Monday as investors worried about bank losses."
"""A sentence that every working text model encodes."""

END_SECONDS = 5.0
"""A batch in flight takes less."""

Answer = TypeVar("Answer")


class TextModel(Protocol):
    """What the encoder asks of a model; both methods block, and run in the encoder's threads, at once."""

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, truncated to what the model takes."""
        ...

    def embed(self, tokens: Sequence[list[int]]) -> NDArray[np.float32]:
        """(n, 384): a vector of length 1 for each text."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """The vectors of some texts, and the texts that the model cannot encode."""

    vectors: NDArray[np.float32]
    """(n, 384), in the order of the texts; zeros for a failure."""
    failures: dict[int, str]
    """Why the model cannot encode a text alone, by the text's index."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """The model raised, or gave something that is no vector."""

    reason: str


class TextEncoder:
    """Encodes texts without blocking the event loop. One encoder serves any number of coroutines, in order."""

    dim: int = DIM

    def __init__(
        self,
        model: TextModel,
        fingerprint: str,
        token_budget: int,
        deadline_seconds: float,
        threads: WorkerThreads | None = None,
    ) -> None:
        """Without `threads` there is one."""
        self.fingerprint = fingerprint
        self._model = model
        self._token_budget = token_budget
        self._deadline_seconds = deadline_seconds
        self._hung = False
        self._threads = threads or WorkerThreads("text-encoder")

    @classmethod
    def load(
        cls, spec: TextModelSpec, token_budget: int, deadline_seconds: float, device: Device = "auto"
    ) -> "TextEncoder":
        """Loads a model from a folder or, by its hub id, from the local Hugging Face cache.

        Nothing is downloaded. Blocks for seconds: call it in a thread. Raises Fatal in one sentence when the model
        cannot be used.
        """
        # torch is imported only where a model is loaded: every other command would wait seconds for it
        hide_from_transformers()
        opened = import_module("stream_app.encoding.opening").open_model(spec, device)
        threads = WorkerThreads("text-encoder", opened.threads, opened.initializer)
        return cls(opened.model, opened.fingerprint, token_budget, deadline_seconds, threads)

    async def encode(self, texts: Sequence[str]) -> Encoded:
        """The vectors of the texts, in their order.

        A batch that the model refuses is tried text by text; a text that it refuses alone is a failure. Raises Fatal
        when it refuses a known good sentence too, and ModelHung when one of its answers takes longer than the deadline.
        """
        vectors = np.zeros((len(texts), DIM), np.float32)
        failures: dict[int, str] = {}
        tokens = await self._tokenize(texts, failures)
        indices = np.array(list(tokens), np.int64)
        lengths = np.array([len(ids) for ids in tokens.values()], np.int64)
        chosen = (indices[batch] for batch in batches(lengths, self._token_budget))
        encoded = Encoded(vectors, failures)
        # as many at a time as there are threads: a batch's deadline begins when it is asked for
        embedding = [
            asyncio.ensure_future(self._embed_batches(chosen, tokens, encoded)) for _ in range(self._threads.count)
        ]
        try:
            await asyncio.gather(*embedding)
        finally:
            for task in embedding:
                task.cancel()
        return encoded

    def close(self) -> None:
        """Lets the threads end, and waits for calls in flight, unless one hangs.

        A thread that comes out of torch while the interpreter ends makes the process abort (seen: 2 of 6 commands that
        ended right after an encoding).
        """
        self._threads.close(0.0 if self._hung else END_SECONDS)

    async def _tokenize(self, texts: Sequence[str], failures: dict[int, str]) -> dict[int, list[int]]:
        """The token ids by index, without the texts that cannot be tokenised."""
        together = await self._ask(partial(self._model.tokenize, texts))
        if not isinstance(together, _Refusal):
            return dict(enumerate(together))
        tokens: dict[int, list[int]] = {}
        for index, text in enumerate(texts):
            alone = await self._ask(partial(self._model.tokenize, [text]))
            if isinstance(alone, _Refusal):
                await self._check_model()
                failures[index] = alone.reason
            else:
                tokens[index] = alone[0]
        return tokens

    async def _embed_batches(
        self, left: Iterator[NDArray[np.int64]], tokens: dict[int, list[int]], encoded: Encoded
    ) -> None:
        """Embed the batches that are left, one after the other; others take of them too."""
        for chosen in left:
            answer = await self._ask(partial(_embed, self._model, [tokens[index] for index in chosen]))
            if isinstance(answer, _Refusal):
                await self._embed_alone(chosen, tokens, encoded)
            else:
                encoded.vectors[chosen] = answer

    async def _embed_alone(self, chosen: NDArray[np.int64], tokens: dict[int, list[int]], encoded: Encoded) -> None:
        for index in chosen.tolist():
            answer = await self._ask(partial(_embed, self._model, [tokens[index]]))
            if isinstance(answer, _Refusal):
                await self._check_model()
                encoded.failures[index] = answer.reason
            else:
                encoded.vectors[index] = answer[0]

    async def _check_model(self) -> None:
        """Raises Fatal when it is the model, not the text, that fails."""
        probe = await self._ask(lambda: _embed(self._model, self._model.tokenize([PROBE])))
        if isinstance(probe, _Refusal):
            raise Fatal(f"The text model fails on a known good sentence too ({probe.reason}): check the model.")

    async def _ask(self, call: Callable[[], Answer]) -> Answer | _Refusal:
        """What the call returns in a thread, or why the model refuses. Raises ModelHung at the deadline."""
        if self._hung:
            raise ModelHung("The text model hung on an earlier text.")
        answer = asyncio.wrap_future(self._threads.submit(partial(_attempt, call)))
        try:
            await asyncio.wait({answer}, timeout=self._deadline_seconds)
            if not answer.done():
                self._hung = True
                raise ModelHung(f"The text model did not answer within {self._deadline_seconds:g} s.")
            return answer.result()
        finally:
            answer.cancel()


def _embed(model: TextModel, tokens: Sequence[list[int]]) -> NDArray[np.float32]:
    """The model's vectors, checked. Raises ValueError for a wrong shape and for numbers that are not finite."""
    vectors = model.embed(tokens)
    if vectors.shape != (len(tokens), DIM):
        raise ValueError(f"the model gives vectors of shape {vectors.shape}, not {(len(tokens), DIM)}")
    if not np.isfinite(vectors).all():
        raise ValueError("the model gives numbers that are not finite")
    return vectors


def _attempt(call: Callable[[], Answer]) -> Answer | _Refusal:
    try:
        return call()
    except BaseException as error:  # a refusal of these texts, whatever it is: a Rust library's panic is no Exception
        return _Refusal(first_line(error))


def first_line(error: BaseException) -> str:
    """What went wrong, without the rest of a long message and without a full stop."""
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")

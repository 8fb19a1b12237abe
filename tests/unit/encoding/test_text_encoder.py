"""What the encoder makes of a model that works, refuses a text, breaks or hangs. The model is a double."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from stream_app.encoding import TextEncoder
from stream_app.encoding.encoder import PROBE
from stream_app.encoding.worker_threads import WorkerThreads
from stream_app.errors import Fatal, ModelHung

DEADLINE_SECONDS = 30.0

Behaviour = Callable[[str, NDArray[np.float32]], NDArray[np.float32]]


def vector_of(text: str) -> NDArray[np.float32]:
    vector = np.zeros(384, np.float32)
    vector[sum(map(ord, text)) % 384] = 1.0
    return vector


def as_is(text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector


@dataclass
class DoubleModel:
    """A text's tokens are its characters; its vector says which text it was. `behaviour` may spoil a vector."""

    behaviour: Behaviour = as_is
    untokenisable: str = "\0"
    batches: list[list[str]] = field(default_factory=list)

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        if any(self.untokenisable in text for text in texts):
            raise TypeError("not a text")
        return [list(map(ord, text)) for text in texts]

    def embed(self, tokens: Sequence[list[int]]) -> NDArray[np.float32]:
        texts = ["".join(map(chr, ids)) for ids in tokens]
        self.batches.append(texts)
        return np.stack([self.behaviour(text, vector_of(text)) for text in texts])


Encoders = Callable[..., TextEncoder]


@pytest.fixture
def encoder_of() -> Iterator[Encoders]:
    made: list[TextEncoder] = []

    def make(model: DoubleModel, deadline_seconds: float = DEADLINE_SECONDS, threads: int = 1) -> TextEncoder:
        made.append(TextEncoder(model, "a fingerprint", 64, deadline_seconds, WorkerThreads("test", threads)))
        return made[-1]

    yield make
    for encoder in made:
        encoder.close()


async def test_vectors_come_in_the_order_of_the_texts(encoder_of: Encoders) -> None:
    texts = [letter * length for letter, length in zip("abcdefgh", [30, 2, 64, 7, 100, 1, 31, 5], strict=True)]
    encoded = await encoder_of(DoubleModel()).encode(texts)
    assert encoded.failures == {}
    assert encoded.vectors.dtype == np.float32
    assert encoded.vectors.tobytes() == np.stack([vector_of(text) for text in texts]).tobytes()


async def test_texts_of_like_length_share_a_batch_within_the_token_budget(encoder_of: Encoders) -> None:
    model = DoubleModel()
    await encoder_of(model).encode(["d" * 100, "a" * 5, "c" * 32, "b" * 30, "e" * 32])
    assert model.batches == [["a" * 5, "b" * 30], ["c" * 32, "e" * 32], ["d" * 100]]


async def test_no_texts_give_no_vectors(encoder_of: Encoders) -> None:
    encoded = await encoder_of(DoubleModel()).encode([])
    assert encoded.vectors.shape == (0, 384)
    assert encoded.failures == {}


def raising(text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    if "bad" in text:
        raise RuntimeError("index out of range\nin a long traceback")
    return vector


class Panic(BaseException):
    """As what a library written in Rust raises when it panics."""


def panicking(text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    if "bad" in text:
        raise Panic("retry-limit-in-match over")
    return vector


def not_a_number(text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector * np.float32(np.nan) if "bad" in text else vector


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (raising, "index out of range"),
        (panicking, "retry-limit-in-match over"),
        (not_a_number, "the model gives numbers that are not finite"),
    ],
)
async def test_a_text_that_the_model_refuses_fails_alone_and_the_others_of_its_batch_are_encoded(
    encoder_of: Encoders, behaviour: Behaviour, reason: str
) -> None:
    texts = ["one", "bad", "two", "six"]
    encoded = await encoder_of(DoubleModel(behaviour)).encode(texts)
    assert encoded.failures == {1: reason}
    assert not encoded.vectors[1].any()
    for index in (0, 2, 3):
        assert encoded.vectors[index].tobytes() == vector_of(texts[index]).tobytes()


async def test_a_text_that_cannot_be_tokenised_fails_alone(encoder_of: Encoders) -> None:
    encoded = await encoder_of(DoubleModel(untokenisable="\ud800")).encode(["one", "\ud800", "two"])
    assert encoded.failures == {1: "not a text"}
    assert encoded.vectors.any(axis=1).tolist() == [True, False, True]


def always_raising(text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    raise RuntimeError("out of memory")


def too_short(text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector[:100]


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (DoubleModel(always_raising), "out of memory"),
        (DoubleModel(too_short), r"shape \(1, 100\), not \(1, 384\)"),
        (DoubleModel(untokenisable=""), "not a text"),
    ],
)
async def test_a_model_that_refuses_a_known_good_sentence_too_is_fatal(
    encoder_of: Encoders, model: DoubleModel, reason: str
) -> None:
    with pytest.raises(Fatal, match=f"known good sentence too .*{reason}"):
        await encoder_of(model).encode(["one", "two"])


async def test_a_broken_model_is_noticed_at_the_first_text_not_after_all(encoder_of: Encoders) -> None:
    model = DoubleModel(always_raising)
    with pytest.raises(Fatal):
        await encoder_of(model).encode(["one", "two", "six"])
    assert model.batches == [["one", "two", "six"], ["one"], [PROBE]]


@dataclass
class Gate:
    """Holds the model until it is opened."""

    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def wait(self, text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        self.reached.set()
        assert self.opened.wait(DEADLINE_SECONDS)
        return vector


async def test_the_event_loop_runs_while_the_model_encodes(encoder_of: Encoders) -> None:
    gate = Gate()
    encoding = asyncio.ensure_future(encoder_of(DoubleModel(gate.wait)).encode(["one"]))
    assert await asyncio.to_thread(gate.reached.wait, DEADLINE_SECONDS)
    assert not encoding.done()
    gate.opened.set()
    assert (await encoding).vectors.any()


async def test_several_coroutines_share_an_encoder(encoder_of: Encoders) -> None:
    encoder = encoder_of(DoubleModel())
    texts = [[f"{number} {index}" for index in range(20)] for number in range(5)]
    for asked, encoded in zip(texts, await asyncio.gather(*map(encoder.encode, texts)), strict=True):
        assert encoded.vectors.tobytes() == np.stack([vector_of(text) for text in asked]).tobytes()


async def test_every_thread_has_a_batch_of_its_own(encoder_of: Encoders) -> None:
    together = threading.Barrier(3, timeout=DEADLINE_SECONDS)

    def meet(text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        together.wait()
        return vector

    texts = [letter * 64 for letter in "abcdef"]
    encoded = await encoder_of(DoubleModel(meet), threads=3).encode(texts)
    assert encoded.vectors.tobytes() == np.stack([vector_of(text) for text in texts]).tobytes()


async def test_a_text_that_the_model_refuses_fails_alone_in_every_thread(encoder_of: Encoders) -> None:
    texts = [f"{number} {'bad' if number % 3 else 'good'} {'x' * number}" for number in range(60)]
    encoded = await encoder_of(DoubleModel(raising), threads=3).encode(texts)
    assert sorted(encoded.failures) == [index for index, text in enumerate(texts) if "bad" in text]
    assert all(encoded.vectors[index].any() != (index in encoded.failures) for index in range(60))


async def test_when_one_thread_finds_the_model_broken_the_others_take_no_more_batches(encoder_of: Encoders) -> None:
    model = DoubleModel(always_raising)
    with pytest.raises(Fatal, match="out of memory"):
        await encoder_of(model, threads=3).encode(["x" * 64] * 100)
    assert len(model.batches) < 100


async def test_an_abandoned_call_does_not_disturb_the_next(encoder_of: Encoders) -> None:
    gate = Gate()
    encoder = encoder_of(DoubleModel(gate.wait))
    abandoned = asyncio.ensure_future(encoder.encode(["one"]))
    assert await asyncio.to_thread(gate.reached.wait, DEADLINE_SECONDS)
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    gate.opened.set()
    assert (await encoder.encode(["two"])).vectors[0].tobytes() == vector_of("two").tobytes()


async def test_a_model_that_hangs_is_given_up_at_the_deadline_and_not_asked_again(encoder_of: Encoders) -> None:
    gate = Gate()
    encoder = encoder_of(DoubleModel(gate.wait), deadline_seconds=0.05)
    with pytest.raises(ModelHung, match=r"within 0\.05 s"):
        await encoder.encode(["one"])
    with pytest.raises(ModelHung, match="earlier text"):
        await encoder.encode(["two"])
    gate.opened.set()


async def test_a_closed_encoder_refuses_to_encode(encoder_of: Encoders) -> None:
    encoder = encoder_of(DoubleModel())
    encoder.close()
    with pytest.raises(RuntimeError, match="closed"):
        await encoder.encode(["one"])


async def test_closing_waits_for_the_call_in_flight(encoder_of: Encoders) -> None:
    gate, others = Gate(), set(threading.enumerate())
    encoder = encoder_of(DoubleModel(gate.wait))
    (thread,) = set(threading.enumerate()) - others
    abandoned = asyncio.ensure_future(encoder.encode(["one"]))
    assert await asyncio.to_thread(gate.reached.wait, DEADLINE_SECONDS)
    abandoned.cancel()
    closing = asyncio.ensure_future(asyncio.to_thread(encoder.close))
    gate.opened.set()
    await closing
    assert not thread.is_alive()


HANGS = {
    "in Python": "threading.Event().wait()",
    "in native code": "ctypes.CDLL(None).pause()",
}

SCRIPT = """
import asyncio, ctypes, threading
from stream_app.encoding import TextEncoder
from stream_app.errors import ModelHung

class HangingModel:
    def tokenize(self, texts):
        {hang}

encoder = TextEncoder(HangingModel(), "a fingerprint", 64, 0.05)
try:
    asyncio.run(encoder.encode(["one"]))
except ModelHung as error:
    raise SystemExit(f"ended: {{error}}")
"""


@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS.keys())
def test_a_model_that_hangs_does_not_keep_the_process_from_ending(hang: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(hang=hang)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.strip() == "ended: The text model did not answer within 0.05 s."

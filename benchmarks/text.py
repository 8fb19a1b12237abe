"""How many documents a second become vectors, beside sentence-transformers and the bound by the machine's own speed.

The same made documents, as long as real news (benchmarks/texts/documents.py), are encoded by turns by stream-app's
encoder and by sentence-transformers' own encode, in a process of its own, with the same weights and threads; and the
machine multiplies matrices of the model's shape, from which the bound follows (benchmarks/texts/bound.py). Then the
news stage takes them as articles from the real broker into the real Postgres: once all different, once half of them
repeats of the others, whose vectors are found by the hash of their content.
"""

import asyncio
import gc
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.machine import kafka_version, machine, versions
from benchmarks.report import Report, parser, publish
from benchmarks.rounds import alternate
from benchmarks.services import services
from benchmarks.texts import model
from benchmarks.texts.bound import documents_a_second
from benchmarks.texts.documents import documents
from benchmarks.texts.figures import BOUND, NEW, PEER, REPEATED, THIS, figures
from benchmarks.texts.news import half_repeated, streams
from benchmarks.texts.peer import started
from stream_app.clock import SystemClock
from stream_app.config import load_settings
from stream_app.embedded import Endpoints
from stream_app.encoding import TextEncoder, TextModelSpec


async def encoding(
    encoder: TextEncoder, texts: Sequence[str], given: Namespace
) -> tuple[dict[str, list[float]], float, dict[str, str]]:
    """Documents a second of both encoders and of the bound, the largest difference of vectors, the peer's versions."""
    shape, lengths = model.shape(), model.lengths(texts)

    async def ours() -> float:
        began = asyncio.get_running_loop().time()
        await encoder.encode(texts)
        return len(texts) / (asyncio.get_running_loop().time() - began)

    async def bound() -> float:
        return documents_a_second(lengths, shape, model.operations_a_second(shape))

    async with started(given.peers_python, texts) as peer:
        vectors = (await encoder.encode(texts)).vectors
        measured = await alternate({THIS: ours, PEER: peer.rate, BOUND: bound}, given.rounds)
    return measured, float(np.abs(vectors - peer.vectors).max()), peer.versions


async def storing(
    endpoints: Endpoints, encoder: TextEncoder, texts: Sequence[str], rounds: int
) -> dict[str, list[float]]:
    """Articles a second that the news stage stores, all different and half repeated."""
    async with streams(endpoints, encoder, {NEW: texts, REPEATED: half_repeated(texts)}) as topics:
        return await alternate({name: topic.rate for name, topic in topics.items()}, rounds)


async def measure(endpoints: Endpoints, given: Namespace) -> Report:
    """Encode, then store; all by turns."""
    settings = load_settings()
    texts = documents(given.documents, model.words())
    encoder = TextEncoder.load(TextModelSpec(), settings.encode_token_budget, settings.encode_deadline_seconds, "cpu")
    gc.freeze()
    measured, difference, of_peer = await encoding(encoder, texts, given)
    measured |= await storing(endpoints, encoder, texts, given.rounds)
    encoder.close()
    return Report(
        benchmark="text",
        job={
            "documents": len(texts),
            "tokens": sum(model.lengths(texts)),
            "token budget": settings.encode_token_budget,
        },
        runs=given.rounds,
        figures=figures(measured, difference),
        machine=machine(),
        versions=versions("transformers", **of_peer, kafka=kafka_version()),
        at=SystemClock().now(),
    )


def main() -> None:
    """Read the arguments, start what is needed, measure, stop it."""
    arguments = parser(__doc__, rounds=5)
    arguments.add_argument("--documents", type=int, default=320)
    arguments.add_argument("--peers-python", type=Path, default=Path(".venv-bench/bin/python"))
    given = arguments.parse_args()
    with services() as endpoints:
        publish(asyncio.run(measure(endpoints, given)), given.json_lines)


if __name__ == "__main__":
    main()

"""sentence-transformers in a process of its own, which encodes when it is asked."""

import asyncio
import json
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream_app.encoding.model_files import packaged_folder
from stream_app.errors import Fatal

ANSWER_SECONDS = 300.0


@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """The process with its documents; `vectors` (n, 384) are what it made of them, in their order."""

    process: Process
    count: int
    versions: dict[str, str]
    vectors: NDArray[np.float32]

    async def rate(self) -> float:
        """Documents a second."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        return self.count / float(await _answer(self.process))


@asynccontextmanager
async def started(python: Path, documents: Sequence[str]) -> AsyncIterator[Peer]:
    """The peer, warm."""
    with tempfile.TemporaryDirectory() as folder:
        texts, vectors = Path(folder) / "documents.json", Path(folder) / "vectors.npy"
        texts.write_text(json.dumps(documents))
        module, files = "benchmarks.candidates.sentence_encode", (packaged_folder(), texts, vectors)
        process = await asyncio.create_subprocess_exec(python, "-m", module, *files, stdin=PIPE, stdout=PIPE)
        try:
            versions = await _answer(process)
            yield Peer(process, len(documents), versions, np.load(vectors))
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _answer(process: Process) -> Any:
    """What the process tells next. Fatal when it ends instead; what it says on standard error is seen."""
    assert process.stdout is not None
    async with asyncio.timeout(ANSWER_SECONDS):
        told = await process.stdout.readline()
    if not told:
        raise Fatal("sentence-transformers' process ended.")
    return json.loads(told)

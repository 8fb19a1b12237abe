"""sentence-transformers' own encode, as it comes: batches of 32, sorted by length. The peers' environment has it.

`python -m benchmarks.candidates.sentence_encode MODEL DOCUMENTS VECTORS` reads the documents (a JSON list), encodes
them once, writes the vectors (.npy) and prints the versions of what it uses; then it encodes them again for every line
that it reads and prints the seconds. Its only setting: it takes 512 tokens of a document, as the product does, not 256.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

MAX_TOKENS = 512


def main() -> None:
    """Answer until the input ends."""
    folder, documents, vectors = sys.argv[1:]
    disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers has no annotations here
    model = SentenceTransformer(folder, device="cpu", local_files_only=True)
    model.max_seq_length = MAX_TOKENS
    texts = json.loads(Path(documents).read_text())
    np.save(vectors, model.encode(texts))
    _tell({package: version(package) for package in ("sentence-transformers", "torch")})
    for _ in sys.stdin:
        began = time.perf_counter()
        model.encode(texts)
        _tell(time.perf_counter() - began)


def _tell(answer: object) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

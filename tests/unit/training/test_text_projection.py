"""The projection of a text model: what it keeps of vectors whose directions are known."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream_app.encoding.projection import FittedOn, Projection, padded, read_projection
from stream_app.errors import UsageError
from stream_app.training.text_lines import read_lines
from stream_app.training.text_projection import directions


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def test_vectors_that_lie_in_384_directions_keep_every_cosine() -> None:
    rng = np.random.default_rng(0)
    vectors = unit(rng.normal(size=(900, 384)) @ np.linalg.qr(rng.normal(size=(512, 384)))[0].T)
    found, kept = directions(vectors.T @ vectors)
    projected = Projection(found, FittedOn("", 900, kept)).apply(vectors.astype(np.float32)).astype(np.float64)
    assert kept == pytest.approx(1)
    assert np.abs(found @ found.T - np.eye(384)).max() < 1e-5
    assert np.abs(projected @ projected.T - vectors @ vectors.T).max() < 1e-5


def test_what_is_kept_is_what_no_other_384_directions_keep_more_of() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(900, 400)) * np.linspace(2, 0.1, 400)
    found, kept = directions(vectors.T @ vectors)
    total = np.square(vectors).sum()
    assert np.square(vectors @ found.T).sum() / total == pytest.approx(kept, rel=1e-6)
    assert kept > np.square(vectors[:, :384]).sum() / total


def test_a_projection_is_the_same_when_it_is_read_again_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    made = Projection(rng.normal(size=(384, 400)).astype(np.float32), FittedOn("a print", 900, 0.5))
    file = tmp_path / "projection.safetensors"
    file.write_bytes(made.to_bytes())
    read = read_projection(file)
    assert (read.directions.tobytes(), read.fitted_on) == (made.directions.tobytes(), made.fitted_on)
    assert read.to_bytes() == file.read_bytes()


@settings(deadline=None)
@given(st.integers(1, 383), st.integers(0, 5))
def test_padding_keeps_every_inner_product_exactly(dim: int, count: int) -> None:
    vectors = np.random.default_rng(dim).integers(-9, 9, (count, dim)).astype(np.float32)
    assert padded(vectors).shape == (count, 384)
    assert np.array_equal(padded(vectors) @ padded(vectors).T, vectors @ vectors.T)


def test_texts_come_from_a_file_line_by_line_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "texts"
    file.write_text("".join(f"text {n}\n\n" for n in range(300)))
    for limit in (1, 128, 299, 300, 1_000):
        pages = list(read_lines(file, limit))
        assert [text for page in pages for text in page] == [f"text {n}" for n in range(min(limit, 300))]
        assert max(map(len, pages)) <= 128


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is not UTF-8"):
        list(read_lines(tmp_path / "bytes", 10))

"""The learned joint space: the same bytes whatever days are joined together, and what its formula says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream_app.regime import projected
from stream_app.regime.projected import Projection


def arrays(dim: int = 64, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Of a projection that was drawn by lot."""
    rng, found = np.random.default_rng(seed), {}
    for half in ("numeric", "text"):
        found[f"{half}.mean"] = rng.normal(size=384).astype(np.float32)
        found[f"{half}.scale"] = rng.uniform(0.1, 2, 384).astype(np.float32)
        found[f"{half}.matrix"] = rng.normal(size=(dim, 384)).astype(np.float32)
    return found


def halves(count: int, seed: int = 1) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    numeric, text = np.random.default_rng(seed).normal(size=(2, count, 384)).astype(np.float32)
    return numeric * np.float32(3), text


def test_a_day_alone_has_the_bytes_that_it_has_among_a_thousand() -> None:
    projection = Projection.of_arrays(arrays())
    numeric, text = halves(1_000)
    together = projection.join(numeric, text)
    alone = np.concatenate([projection.join(numeric[day : day + 1], text[day : day + 1]) for day in range(0, 1_000, 7)])
    assert together[::7].tobytes() == alone.tobytes()


@settings(deadline=None)
@given(st.integers(1, 384), st.integers(1, 40), st.integers(1, 40))
def test_how_days_are_cut_into_calls_changes_no_byte(dim: int, count: int, first: int) -> None:
    projection = Projection.of_arrays(arrays(dim))
    numeric, text = halves(count)
    cut = [projection.join(numeric[rows], text[rows]) for rows in (slice(0, first), slice(first, None))]
    assert np.concatenate(cut).tobytes() == projection.join(numeric, text).tobytes()


def test_a_large_call_is_done_in_parts_that_change_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    projection = Projection.of_arrays(arrays())
    numeric, text = halves(50)
    whole = projection.join(numeric, text)
    monkeypatch.setattr(projected, "ROWS_AT_A_TIME", 7)
    assert projection.join(numeric, text).tobytes() == whole.tobytes()


def test_it_is_the_sum_of_both_halves_standardised_led_through_their_matrix_and_brought_to_length_1() -> None:
    given_arrays = arrays(16)
    numeric, text = halves(20)
    expected = np.zeros((20, 16))
    for name, half in (("numeric", numeric), ("text", text)):
        mean, scale, matrix = (given_arrays[f"{name}.{part}"].astype(float) for part in ("mean", "scale", "matrix"))
        led = np.clip((half - mean) / scale, -5, 5) @ matrix.T
        expected += led / np.linalg.norm(led, axis=1, keepdims=True)
    joint = Projection.of_arrays(given_arrays).join(numeric, text)
    assert joint.dtype == np.float32
    assert np.abs(joint[:, :16] - expected).max() < 1e-6
    assert not joint[:, 16:].any()


def test_no_input_however_large_makes_it_longer_than_2_or_not_finite() -> None:
    numeric, text = halves(30)
    joint = Projection.of_arrays(arrays()).join(numeric * np.float32(1e30), text)
    assert np.isfinite(joint).all()
    assert (np.linalg.norm(joint, axis=1) <= 2 + 1e-6).all()


def test_a_half_that_says_nothing_leaves_the_other_alone() -> None:
    given_arrays = arrays()
    numeric = np.broadcast_to(given_arrays["numeric.mean"], (3, 384))
    joint = Projection.of_arrays(given_arrays).join(numeric, halves(3)[1])
    assert np.allclose(np.linalg.norm(joint, axis=1), 1.0)


def test_no_days_give_no_vectors() -> None:
    assert Projection.of_arrays(arrays()).join(*halves(0)).shape == (0, 384)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"text.mean": None}, "there are numeric.matrix, .*, not numeric.matrix, .*text.mean"),
        ({"other": np.zeros(1, np.float32)}, "there are .*other"),
        ({"text.scale": np.zeros(384, np.float32)}, "text.scale has numbers"),
        ({"text.mean": np.full(384, np.nan, np.float32)}, "text.mean has numbers"),
        ({"text.mean": np.zeros(383, np.float32)}, r"text.mean is float32 \(383,\), not float32 \(384,\)"),
        ({"text.mean": np.zeros(384)}, "text.mean is float64"),
        ({"text.matrix": np.zeros((63, 384), np.float32)}, r"text.matrix is float32 \(63, 384\)"),
    ],
)
def test_arrays_that_are_no_projection_are_refused(changes: dict[str, NDArray[np.float32] | None], said: str) -> None:
    given_arrays = {name: array for name, array in (arrays() | changes).items() if array is not None}
    with pytest.raises(ValueError, match=said):
        Projection.of_arrays(given_arrays)


@pytest.mark.parametrize("dim", [0, 385])
def test_a_projection_of_no_or_too_many_numbers_is_refused(dim: int) -> None:
    with pytest.raises(ValueError, match="with dim from 1 to 384"):
        Projection.of_arrays(arrays(dim))

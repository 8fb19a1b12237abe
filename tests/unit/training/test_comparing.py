"""What text counts for in joint spaces, and what they tell, on pairs whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from stream_app.evaluation.analogues import forecast
from stream_app.evaluation.correlation import spearman
from stream_app.evaluation.neighbours import most_alike
from stream_app.regime import joint
from stream_app.regime.projected import Projection
from stream_app.training.comparing import swap_share
from stream_app.training.contrastive import Recipe, learn
from stream_app.training.split import time_split
from tests.unit.training.planted import planted, with_states


def test_a_join_of_one_half_alone_gives_the_text_all_or_nothing_and_of_like_halves_a_half() -> None:
    pairs = planted(100)
    assert swap_share(lambda numeric, text: text, pairs) == 1
    assert swap_share(lambda numeric, text: numeric, pairs) == 0
    alike = replace(pairs, numeric=pairs.text)
    assert swap_share(joint.joint, alike) == pytest.approx(0.5)


def test_the_plain_average_drowns_a_text_whose_numbers_are_a_hundred_million_times_smaller() -> None:
    assert swap_share(joint.joint, planted(100)) < 1e-15


def test_where_larger_noise_hides_the_state_the_trained_space_tells_more_of_it_than_the_plain_average() -> None:
    pairs, states = with_states(900)
    split = time_split(pairs.days, 30)
    found = learn(
        pairs.take(split.train), pairs.take(split.validation), Recipe(epochs=20, dim=16), lambda epoch, loss: None
    )
    average, trained = (
        skill(join(pairs.numeric, pairs.text), states, split.validation)
        for join in (joint.joint, Projection.of_arrays(found.arrays).join)
    )
    assert trained > average + 0.15


def skill(vectors: NDArray[np.float32], states: NDArray[np.float64], asked: NDArray[np.int64]) -> float:
    """How well the days most alike before each of the asked ones tell its hidden states: Spearman, mean over states."""
    alike = most_alike(vectors, np.arange(len(vectors)), asked, 30, 20)
    return float(np.mean([spearman(forecast(state, alike), state[asked]) for state in states.T]))

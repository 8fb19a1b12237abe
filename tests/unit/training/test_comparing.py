"""What joint spaces are worth, on pairs whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from stream_app.regime import joint
from stream_app.regime.projected import Projection
from stream_app.training.comparing import analogue_skill, text_share
from stream_app.training.contrastive import Recipe, learn
from stream_app.training.split import time_split
from tests.unit.training.planted import planted, with_states


def test_a_join_of_one_half_alone_gives_the_text_all_or_nothing_and_of_like_halves_a_half() -> None:
    pairs = planted(100)
    assert text_share(lambda numeric, text: text, pairs) == 1
    assert text_share(lambda numeric, text: numeric, pairs) == 0
    alike = replace(pairs, numeric=pairs.text)
    assert text_share(joint.joint, alike) == pytest.approx(0.5)


def test_the_plain_average_drowns_a_text_whose_numbers_are_a_hundred_million_times_smaller() -> None:
    assert text_share(joint.joint, planted(100)) < 1e-15


def test_vectors_that_show_what_is_to_come_find_days_that_tell_it_and_others_do_not() -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(size=600)
    days = np.datetime64("2010-01-04", "D") + np.arange(600)
    asked = np.arange(300, 600)
    shown = np.zeros((600, 384), np.float32)
    shown[:, 0], shown[:, 1] = 1, target
    assert analogue_skill(shown, days, target, asked, 10) > 0.95
    assert abs(analogue_skill(rng.normal(size=(600, 384)).astype(np.float32), days, target, asked, 10)) < 0.15


def test_a_day_is_told_by_days_before_its_gap_alone() -> None:
    """Each day has one like it, a month before: had it been looked at, it would have told everything."""
    rng = np.random.default_rng(0)
    days = np.datetime64("2010-01-04", "D") + np.arange(600)
    target = rng.normal(size=30)[np.arange(600) // 30]
    vectors = rng.normal(size=(30, 384)).astype(np.float32)[np.arange(600) // 30]
    assert abs(analogue_skill(vectors, days, target, np.arange(300, 600), 5)) < 0.5


def test_where_larger_noise_hides_the_state_the_trained_space_tells_more_of_it_than_the_plain_average() -> None:
    pairs, states = with_states(900)
    split = time_split(pairs.days, 30)
    found = learn(
        pairs.take(split.train), pairs.take(split.validation), Recipe(epochs=20, dim=16), lambda epoch, loss: None
    )
    skills = [
        np.mean(
            [analogue_skill(join(pairs.numeric, pairs.text), pairs.days, s, split.validation, 20) for s in states.T]
        )
        for join in (joint.joint, Projection.of_arrays(found.arrays).join)
    ]
    assert skills[1] > skills[0] + 0.15

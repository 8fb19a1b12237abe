"""A projection learned from pairs whose answer is known."""

from dataclasses import replace

import numpy as np
import torch

from stream_app.regime.projected import Projection
from stream_app.training.contrastive import Learned, Recipe, learn
from stream_app.training.pairs import Pairs
from stream_app.training.recall import Recall, recalls
from stream_app.training.split import time_split
from tests.unit.training.planted import planted

RECIPE = Recipe(epochs=4, dim=16)


def learned(pairs: Pairs, recipe: Recipe = RECIPE) -> tuple[Learned, list[Recall]]:
    """What is learned, and the recalls on the days that it is measured on."""
    split = time_split(pairs.days, 30)
    validation = pairs.take(split.validation)
    found = learn(pairs.take(split.train), validation, recipe, lambda epoch, loss: None)
    projection = Projection.of_arrays(found.arrays)
    text, numeric = projection.text(validation.text), projection.numeric(validation.numeric)
    return found, recalls(text, numeric, validation.regions)


def test_a_days_text_finds_its_numeric_half_far_better_than_chance_where_both_show_the_same_state() -> None:
    _, found = learned(planted(900), replace(RECIPE, epochs=15))
    assert all(each.beats_chance for each in found)
    assert found[2].share > 8 * found[2].chance


def test_where_the_halves_have_nothing_in_common_it_finds_them_by_chance() -> None:
    pairs, others = planted(900), planted(900, seed=1)
    _, found = learned(replace(pairs, text=others.text))
    assert all(abs(each.share - each.chance) < 0.06 for each in found)
    assert not found[2].beats_chance


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    pairs = planted(300, regions=("US", "EU"))
    first, again, other = (learned(pairs, replace(RECIPE, seed=seed))[0] for seed in (7, 7, 8))
    as_bytes = [{name: array.tobytes() for name, array in each.arrays.items()} for each in (first, again, other)]
    assert as_bytes[0] == as_bytes[1]
    assert as_bytes[0]["text.matrix"] != as_bytes[2]["text.matrix"]
    assert first.validation_losses == again.validation_losses


def test_it_ends_early_and_keeps_the_best_epoch() -> None:
    pairs = planted(200)
    others = replace(pairs, text=planted(200, seed=1).text)
    found, _ = learned(others, Recipe(epochs=100, patience=2, dim=16))
    assert len(found.validation_losses) == found.epoch + 2 < 100
    assert found.validation_losses[found.epoch - 1] == min(found.validation_losses)


def test_means_and_scales_are_of_the_days_that_are_fitted_on_alone() -> None:
    pairs = planted(400)
    train = pairs.take(time_split(pairs.days, 30).train)
    found, _ = learned(pairs, replace(RECIPE, epochs=1))
    assert np.allclose(found.arrays["numeric.mean"], train.numeric.mean(axis=0, dtype=float), rtol=1e-6)
    assert np.allclose(found.arrays["numeric.scale"][:200], train.numeric.std(axis=0, dtype=float)[:200], rtol=1e-6)
    assert (found.arrays["numeric.scale"][200:] == 1).all()


def test_what_runs_live_is_what_torch_learned_to_1e_5() -> None:
    pairs = planted(300)
    found, _ = learned(pairs)
    arrays = {name: torch.from_numpy(array) for name, array in found.arrays.items()}
    expected = torch.zeros(len(pairs), 16)
    for half in ("numeric", "text"):
        values = torch.from_numpy(getattr(pairs, half))
        standard = ((values - arrays[f"{half}.mean"]) / arrays[f"{half}.scale"]).clamp(-5, 5)
        expected += torch.nn.functional.normalize(standard @ arrays[f"{half}.matrix"].T, dim=1)
    joint = Projection.of_arrays(found.arrays).join(pairs.numeric, pairs.text)
    assert np.abs(joint[:, :16] - expected.numpy()).max() < 1e-5


def test_torch_is_left_as_it_was() -> None:
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    learned(planted(60), replace(RECIPE, epochs=1))
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before

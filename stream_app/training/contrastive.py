"""Learns the two matrices of a joint space from pairs: InfoNCE with the other days of a batch as negatives.

The loss (van den Oord and others, 2018; symmetrical as in Radford and others, 2021), of a batch of n pairs whose halves
a and b are led into the learned space, each of length 1, with a temperature T:

    s[i, j] = a[i] . b[j] / T       loss = mean over i of (-log softmax(s[i, :])[i] - log softmax(s[:, i])[i]) / 2

Days less than NEAR_DAYS apart are no negatives of each other: their windows are nearly the same, and regions that read
the same news share a day's text. Importing this module imports torch, which takes seconds.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from schemas import DIM
from stream_app.regime.projected import CLIP, HALVES
from stream_app.training.pairs import Pairs

NEAR_DAYS = 21
"""Calendar days."""
CONSTANT = 1e-6
"""A number whose standard deviation is below this share of its own size is taken for constant."""

Told = Callable[[int, float], None]
"""Hears of each epoch's number, from 1, and of its loss on the validation pairs."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How it is learned; the same recipe, seed and pairs give the same bytes on one machine."""

    seed: int = 0
    epochs: int = 200
    """At most: it ends once `patience` epochs in a row have not made the validation loss smaller."""
    patience: int = 20
    dim: int = 64
    batch_pairs: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    dropout: float = 0.2
    """The share of the standardised numbers that a step does not see."""
    temperature: float = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """The arrays of `projected.Projection`, the epoch that they are of, and the losses on either side by epoch."""

    arrays: dict[str, NDArray[np.float32]]
    epoch: int
    train_losses: list[float]
    validation_losses: list[float]


def learn(train: Pairs, validation: Pairs, recipe: Recipe, told: Told) -> Learned:
    """The matrices of the epoch with the smallest loss on the validation pairs; means and scales of the train pairs.

    Both are of at least two pairs. Blocks for seconds to minutes, in one thread of torch.
    """
    statistics = {name: array for half in HALVES for name, array in _statistics(half, train).items()}
    with _deterministic():
        rng = torch.Generator().manual_seed(recipe.seed)
        matrices = [torch.randn(recipe.dim, DIM, generator=rng).div_(DIM**0.5).requires_grad_() for _ in HALVES]
        run = _Run(matrices, _Side(train, statistics), _Side(validation, statistics), recipe, rng)
        best, epoch, kept = float("inf"), 0, run.copies()
        train_losses, validation_losses = [], []
        for number in range(1, recipe.epochs + 1):
            train_losses.append(run.epoch())
            validation_losses.append(run.measure())
            told(number, validation_losses[-1])
            if validation_losses[-1] < best:
                best, epoch, kept = validation_losses[-1], number, run.copies()
            elif number - epoch >= recipe.patience:
                break
    found = {f"{half}.matrix": each for half, each in zip(HALVES, kept, strict=True)}
    return Learned(statistics | found, epoch, train_losses, validation_losses)


class _Side:
    """The pairs of one side: a half's standardised numbers, float32 (n, 384), and the days as integers (n,)."""

    def __init__(self, pairs: Pairs, statistics: dict[str, NDArray[np.float32]]) -> None:
        self.numeric, self.text = (torch.from_numpy(_standardised(half, pairs, statistics)) for half in HALVES)
        self.days = torch.from_numpy(pairs.days.astype("datetime64[D]").astype(np.int64))


class _Run:
    """The matrices on their way, and what they are learned from."""

    def __init__(
        self, matrices: Sequence[torch.Tensor], train: _Side, validation: _Side, recipe: Recipe, rng: torch.Generator
    ) -> None:
        self._matrices = matrices
        self._train, self._validation = train, validation
        self._recipe, self._rng = recipe, rng
        self._optimiser = torch.optim.AdamW(matrices, recipe.learning_rate, weight_decay=recipe.weight_decay)
        self._validation_batches = self._batches(validation)

    def copies(self) -> list[NDArray[np.float32]]:
        """The matrices as they are now."""
        return [each.detach().numpy().copy() for each in self._matrices]

    def epoch(self) -> float:
        """One step a batch over all train pairs in a new order; the mean loss."""
        losses = []
        for batch in self._batches(self._train):
            loss = self._loss(self._train, batch, self._recipe.dropout)
            self._optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no annotations here
            self._optimiser.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    def measure(self) -> float:
        """The mean loss over the validation pairs, in the same batches each time."""
        with torch.no_grad():
            return float(np.mean([self._loss(self._validation, each, 0).item() for each in self._validation_batches]))

    def _batches(self, side: _Side) -> list[torch.Tensor]:
        """Indices in an order drawn by lot, in batches of like size: one of a single pair would have no negatives."""
        count = -(-len(side.days) // self._recipe.batch_pairs)
        return list(torch.randperm(len(side.days), generator=self._rng).tensor_split(count))

    def _loss(self, side: _Side, batch: torch.Tensor, dropout: float) -> torch.Tensor:
        led = [
            functional.normalize(self._seen(half[batch], dropout) @ matrix.T, dim=1)
            for half, matrix in zip((side.numeric, side.text), self._matrices, strict=True)
        ]
        days, own = side.days[batch], torch.arange(len(batch))
        near = (days[:, None] - days[None, :]).abs() < NEAR_DAYS
        near[own, own] = False
        alike = (led[0] @ led[1].T / self._recipe.temperature).masked_fill(near, float("-inf"))
        return (functional.cross_entropy(alike, own) + functional.cross_entropy(alike.T, own)) / 2

    def _seen(self, inputs: torch.Tensor, dropout: float) -> torch.Tensor:
        if not dropout:
            return inputs
        seen = torch.rand(inputs.shape, generator=self._rng) >= dropout
        return inputs * seen / (1 - dropout)


def _statistics(half: str, pairs: Pairs) -> dict[str, NDArray[np.float32]]:
    """The mean and the standard deviation of each number, float32 (384,); 1 for one that does not vary."""
    values = getattr(pairs, half).astype(np.float64)
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    varies = deviation > CONSTANT * np.abs(values).max(axis=0)
    scale = np.where(varies, deviation, 1.0).astype(np.float32)
    return {f"{half}.mean": mean.astype(np.float32), f"{half}.scale": scale}


def _standardised(half: str, pairs: Pairs, statistics: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """As `projected.Tower` does it."""
    values = (getattr(pairs, half).astype(np.float64) - statistics[f"{half}.mean"]) / statistics[f"{half}.scale"]
    clipped: NDArray[np.float32] = np.clip(values, -CLIP, CLIP).astype(np.float32)
    return clipped


@contextmanager
def _deterministic() -> Iterator[None]:
    """One thread and algorithms that add in one order; afterwards torch is as it was."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)

"""The joint spaces that are compared on ^DJI: those that are shipped, and projections trained on earlier days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.analogues.headlines import SessionTexts
from benchmarks.analogues.indices import WINDOW_DAYS, Prices
from stream_app.evaluation.analogues import Space
from stream_app.models import JointModel, NumericModel, load_registry
from stream_app.models.projections import projection
from stream_app.regime.scaled import ScaledJoin
from stream_app.regime.windows import lookback_days, min_rows
from stream_app.training import joint_space
from stream_app.training.contrastive import Recipe
from stream_app.training.pairs import Pairs

NEWEST = "joint-regime-scaled-v2"
NUMBERS_ALONE, TEXT_ALONE = f"the numbers of {NEWEST} alone", f"the text of {NEWEST} alone"
SEEDS = (0, 1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class JointDays:
    """Days (n,) with a window of prices and headlines: windows (n, 63, 3) and their rows (n,), text means (n, 384) and
    of how many headlines they are (n,)."""

    dates: NDArray[np.datetime64]
    features: NDArray[np.float32]
    rows: NDArray[np.int64]
    means: NDArray[np.float32]
    articles: NDArray[np.int64]

    @classmethod
    def of(cls, prices: Prices, texts: SessionTexts) -> "JointDays":
        """The days that both have."""
        made = prices.windows()
        days = np.intersect1d(prices.dates[made.rows >= min_rows(WINDOW_DAYS)], texts.dates)
        of_prices, of_texts = np.searchsorted(prices.dates, days), np.searchsorted(texts.dates, days)
        windows = made.features[of_prices], made.rows[of_prices]
        return cls(days, *windows, texts.means[of_texts], texts.articles[of_texts])

    def numeric(self, model: NumericModel) -> NDArray[np.float32]:
        """The numeric halves."""
        return model.embed(self.features, self.rows)

    def joint(self, model: JointModel) -> Space:
        """The days in a joint space."""
        return Space(self.dates, model.join(self.numeric(model.numeric), self.means, self.articles))


def spaces(days: JointDays, tested: np.datetime64) -> dict[str, Space]:
    """By name; nothing is fitted on days from `tested` on."""
    registry = load_registry()
    joint = [registry.joint(model_id) for model_id in registry.of_kind("joint")]
    found = {model.model_id: days.joint(model) for model in joint}
    newest = next(model for model in joint if model.model_id == NEWEST)
    assert isinstance(newest.join, ScaledJoin)
    numbers, text = days.numeric(newest.numeric), newest.join.text(days.means, days.articles, newest.join.text_weight)
    found[NUMBERS_ALONE] = Space(days.dates, newest.join.numeric(numbers, newest.join.numeric_weight))
    found[TEXT_ALONE] = Space(days.dates, text)
    return found | dict(_trained(days, newest, days.dates < tested, SEEDS))


def _trained(
    days: JointDays, halves: JointModel, before: NDArray[np.bool_], seeds: Sequence[int]
) -> Iterator[tuple[str, Space]]:
    """Projections of a joint model's halves, as `stream-app train joint` trains them."""
    numeric = days.numeric(halves.numeric)
    pairs = Pairs(np.full(len(numeric), "US"), days.dates, numeric, days.means).take(np.flatnonzero(before))
    for seed in seeds:
        plan = joint_space.Plan(
            halves.numeric.model_id, halves.text.model_id, lookback_days(WINDOW_DAYS), Recipe(seed=seed)
        )
        weights, _ = joint_space.train(pairs, plan, lambda epoch, loss: None)
        yield f"projection, seed {seed}", Space(days.dates, projection(weights).join(numeric, days.means))

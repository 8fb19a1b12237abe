"""What a model is, once its table and its weights have been read."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.encoding.spec import TextModelSpec
from stream_app.errors import Fatal
from stream_app.regime.hysteresis import Hysteresis
from stream_app.regime.labels import Mixture, Prototypes
from stream_app.store.models import Model

Floats = NDArray[np.float32]
Embed = Callable[[Floats, NDArray[np.int64]], Floats]
"""Features (n, window_days, 3) and observed rows (n,) of windows -> their vectors (n, 384)."""
Join = Callable[[Floats, Floats, NDArray[np.int64]], Floats]
"""Numeric halves (n, 384), text halves (n, 384), and of how many articles each of these is the mean (n,) -> joint
vectors (n, 384)."""


@dataclass(frozen=True, slots=True, eq=False)
class NumericModel:
    """Makes a vector of an instrument's window of `window_days` rows."""

    model_id: str
    window_days: int
    fingerprint: str
    embed: Embed

    @property
    def registered(self) -> Model:
        """As the database knows it."""
        return Model(self.model_id, "numeric", DIM, self.fingerprint)


@dataclass(frozen=True, slots=True)
class TextModel:
    """Makes a vector of a text. Its fingerprint is that of its files, which are read where it is loaded."""

    model_id: str
    spec: TextModelSpec

    def registered(self, fingerprint: str) -> Model:
        """As the database knows it, with the fingerprint of its loaded files."""
        return Model(self.model_id, "text", DIM, fingerprint)


@dataclass(frozen=True, slots=True, eq=False)
class RegimesModel:
    """Labels days by their numeric vectors."""

    model_id: str
    numeric: NumericModel
    labels: tuple[str, ...]
    fitted: Prototypes | Mixture
    rule: Hysteresis
    regions: tuple[str, ...]
    """Whose days it labels; none named: all."""
    fingerprint: str

    @property
    def registered(self) -> Model:
        """As the database knows it, with the dimension of the vectors that it labels."""
        return Model(self.model_id, "regimes", DIM, self.fingerprint)

    def labels_days_of(self, region: str) -> bool:
        """Whether it labels the days of a region."""
        return not self.regions or region in self.regions


@dataclass(frozen=True, slots=True)
class FittedOn:
    """The models whose vectors weights were fitted on, and the command that fits such weights.

    A fingerprint is None where the weights do not say it.
    """

    numeric_model_id: str
    numeric_fingerprint: str | None
    text_model_id: str
    text_fingerprint: str | None
    command: str


@dataclass(frozen=True, slots=True, eq=False)
class JointModel:
    """Makes a region's context of its numeric half and its day's text half."""

    model_id: str
    numeric: NumericModel
    text: TextModel
    fingerprint: str
    join: Join
    fitted_on: FittedOn | None = None
    """None: it has no weights, or they do not say it."""

    @property
    def registered(self) -> Model:
        """As the database knows it."""
        return Model(self.model_id, "joint", DIM, self.fingerprint)

    def joined(
        self, numeric: Floats, text: Floats, articles: NDArray[np.int64], days: Sequence[tuple[str, dt.date]]
    ) -> Floats:
        """The joint vectors, (n, 384), of some days (region, date), as `Join` has it. Fatal if one is not finite."""
        with np.errstate(over="ignore", invalid="ignore"):
            vectors = self.join(numeric, text, articles)
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            region, day = days[int(finite.argmin())]
            raise Fatal(
                f"{self.model_id} makes no finite vector of {region} {day}: a half is too large for its weights. Take "
                "it out of joint_models, or fit a model of another id."
            )
        return vectors

    def refusal(self, text_fingerprint: str) -> str | None:
        """Why it cannot join texts of its text model with this fingerprint, in a sentence; None: it can."""
        if self.fitted_on is None or self.fitted_on.text_fingerprint in (None, text_fingerprint):
            return None
        return (
            f"The weights of {self.model_id} were fitted on vectors of {self.text.model_id} as it was then, not as it "
            f"is now: fit weights for a model of another id with `{self.fitted_on.command}`, and use that one instead."
        )

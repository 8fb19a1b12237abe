"""On which days a model was fitted, by the models files: on these, and just after them, its figures are in sample."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stream_app.evaluation.fits import Fit, Period
from stream_app.models import JointModel, Registry
from stream_app.models.scalings import decoded
from stream_app.models.tables import ModelTable
from stream_app.training.period import fitted_period


@dataclass(frozen=True, slots=True)
class FitsOf:
    """What the models files say of numeric and joint models."""

    registry: Registry

    def __call__(self, model_id: str, registered: str | None) -> Fit:
        """`registered` is the fingerprint of the model that made the database's vectors, if it is known.

        Raises UsageError for weights that cannot be used.
        """
        if model_id not in self.registry:
            return Fit(unknown="it stands in no models file")
        table, model = self.registry.tables[model_id], self.registry.registered(model_id)
        if registered is not None and model is not None and model.fingerprint != registered:
            return Fit(unknown="the database's vectors are not of the model that the models file has under that id")
        if table.kind == "numeric":
            return Fit(NUMERIC_PERIODS[table.algorithm])
        return self._of_joint(table, self.registry.joint(model_id))

    def _of_joint(self, table: ModelTable, model: JointModel) -> Fit:
        if model.text.spec.projection is not None:
            return Fit(unknown="the projection of its text model does not say of which days its texts were")
        of_numeric = NUMERIC_PERIODS[self.registry.tables[model.numeric.model_id].algorithm]
        if table.weights is None:
            return Fit(of_numeric)
        own = WEIGHTS_PERIODS[table.algorithm](table.weights)
        if own is None:
            return Fit(unknown=f"its weights {table.weights} do not say")
        return Fit(max((own, of_numeric or own), key=lambda period: period[1]))


def _of_scaling(weights: Path) -> Period:
    fitted = decoded(weights.read_bytes()).fitted
    return fitted.first, fitted.last


NUMERIC_PERIODS: Mapping[str, Period | None] = {
    "raw-path": None,
    "volatility-profile": (dt.date(1985, 1, 1), dt.date(1994, 12, 31)),
}
"""By the numeric algorithm, what its packaged numbers were fitted on (docs/joint_spaces/num-regime-scaled-v1.md)."""
WEIGHTS_PERIODS: Mapping[str, Callable[[Path], Period | None]] = {"scaled": _of_scaling, "projected": fitted_period}
"""By the joint algorithm that has weights, what these say."""

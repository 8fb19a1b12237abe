"""What the models files say of the days that a model was fitted on."""

import datetime as dt
from pathlib import Path

import pytest

from stream_app.errors import UsageError
from stream_app.evaluation.fits import Fit, last_fitted
from stream_app.models import load_registry
from stream_app.models.algorithms import JOINT, NUMERIC
from stream_app.training.fitted_days import NUMERIC_PERIODS, WEIGHTS_PERIODS, FitsOf

SCALED, RAW = "joint-regime-scaled-v1", "joint-regime-core-v1"
MORE = """
[models."raw-and-scaled"]
kind = "joint"
algorithm = "average"
inputs = ["num-regime-scaled-v1", "text-fin-general-v1"]

[models."large"]
kind = "text"
algorithm = "mean-pooling"
projection = "large-384.safetensors"

[models."of-large"]
kind = "joint"
algorithm = "average"
inputs = ["num-regime-core-v1", "large"]
"""


@pytest.fixture
def fit_of(tmp_path: Path) -> FitsOf:
    (tmp_path / "models.toml").write_text(MORE)
    return FitsOf(load_registry(tmp_path / "models.toml"))


def test_every_algorithm_that_may_be_fitted_has_its_place() -> None:
    assert NUMERIC_PERIODS.keys() == NUMERIC.keys()
    assert WEIGHTS_PERIODS.keys() == {name for name, algorithm in JOINT.items() if algorithm.has_weights}


def test_of_a_joint_models_weights_and_its_numeric_half_what_ends_later_counts(fit_of: FitsOf) -> None:
    assert fit_of(SCALED, None).days == (dt.date(2008, 6, 9), dt.date(2011, 12, 30))
    assert fit_of("raw-and-scaled", None).days == (dt.date(1985, 1, 1), dt.date(1994, 12, 31))
    assert fit_of("num-regime-scaled-v1", None) == fit_of("raw-and-scaled", None)
    assert fit_of(RAW, None) == fit_of("num-regime-core-v1", None) == Fit()


def test_what_the_files_do_not_tell_is_not_known(fit_of: FitsOf) -> None:
    assert fit_of("nobody", None).unknown == "it stands in no models file"
    assert "are not of the model that the models file has" in str(fit_of(SCALED, "another").unknown)
    assert "the projection of its text model" in str(fit_of("of-large", None).unknown)
    assert fit_of(SCALED, fit_of.registry.joint(SCALED).fingerprint).unknown is None


def test_the_last_of_all_fitted_days_counts_and_must_be_known(fit_of: FitsOf) -> None:
    fits = {name: fit_of(name, None) for name in ("raw-and-scaled", SCALED, RAW)}
    assert last_fitted(fits) == dt.date(2011, 12, 30)
    assert last_fitted({RAW: fits[RAW]}) is None
    with pytest.raises(UsageError, match="not known of nobody: it stands in no models file; give --from instead"):
        last_fitted(fits | {"nobody": fit_of("nobody", None)})

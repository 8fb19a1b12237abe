"""Fitted regimes in a models file: which are used, what is refused, and what their fingerprint depends on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas import DIM
from stream_app.config import load_settings
from stream_app.errors import UsageError
from stream_app.labelling import file
from stream_app.models import ModelsInUse, models_in_use
from stream_app.regime import numeric
from stream_app.regime.labels import Prototypes

OF = (numeric.MODEL_ID, numeric.fingerprint(63))
POINTS = np.eye(2, DIM)


def fitted(of: tuple[str, str] = OF, temperature: float = 1.0) -> bytes:
    points = Prototypes(POINTS, np.arange(2), "cosine", temperature)
    return file.encoded(file.file_of(("CALM", "CRISIS"), points, *of))


def table(name: str, more: str = "", algorithm: str = "prototypes", of: str = numeric.MODEL_ID) -> str:
    return (
        f'[models.{name}]\nkind = "regimes"\nalgorithm = "{algorithm}"\ninputs = ["{of}"]\nweights = "r.json"\n{more}\n'
    )


def used(folder: Path, text: str, weights: bytes | None = None, **settings: Any) -> ModelsInUse:
    (folder / "r.json").write_bytes(fitted() if weights is None else weights)
    path = folder / "models.toml"
    path.write_text(text, encoding="utf-8")
    return models_in_use(load_settings({"models_file": path, **settings}))


def test_regimes_of_a_numeric_model_in_use_are_used_in_their_regions(tmp_path: Path) -> None:
    found = used(
        tmp_path, table("us", 'regions = ["US"]') + table("eu", 'regions = ["EU", "UK"]\nhistory_sessions = 90')
    )
    (us, eu) = found.regimes
    assert found.labeller(numeric.MODEL_ID, "US") is us
    assert found.labeller(numeric.MODEL_ID, "UK") is eu
    assert found.labeller(numeric.MODEL_ID, "JP") is None
    assert found.labeller("another", "US") is None
    assert {us.registered, eu.registered} <= set(found.registered)
    assert (found.look_back.window_days, found.look_back.history_sessions) == (63, 90)


def test_without_regions_all_are_labelled_and_without_regimes_a_day_looks_back_at_itself(tmp_path: Path) -> None:
    every = used(tmp_path, table("all"))
    assert every.labeller(numeric.MODEL_ID, "JP") is every.regimes[0]
    none = used(tmp_path, table("all"), joint_models="joint-regime-scaled-v2")
    assert (none.regimes, none.look_back.history_sessions) == ((), 1)


def test_two_that_would_label_the_same_days_are_refused(tmp_path: Path) -> None:
    for regions in ('regions = ["US", "EU"]', ""):
        with pytest.raises(UsageError, match=r"^us and more would label the same days of num-regime-core-v1"):
            used(tmp_path, table("us", 'regions = ["US"]') + table("more", regions))


@pytest.mark.parametrize(
    ("text", "weights", "said"),
    [
        (table("r", algorithm="mixture"), None, r"r: its weights \S+r\.json are of another algorithm than mixture\.$"),
        (table("r"), fitted((numeric.MODEL_ID, "f" * 64)), r"were fitted on vectors of num-regime-core-v1 as it was"),
        (
            table("r"),
            fitted(("other", OF[1])),
            r"were fitted on vectors of other as it was then, not of num-regime-core-v1",
        ),
        (table("r"), b"{}", r"r\.json holds no fitted regimes: "),
        (
            table("r", "confirm_sessions = 9\nhistory_sessions = 9"),
            None,
            r"r: confirm_sessions \(9\) is to be at least 1",
        ),
        (table("r", "margin = 1.0"), None, r"r: margin: Input should be less than 1\.$"),
        (table("r").replace('weights = "r.json"', ""), None, r"r: the algorithm prototypes needs weights, a file\.$"),
        (table("r", of="joint-regime-core-v1"), None, r"r: its inputs must be one numeric model\."),
        (table("r", algorithm="magic"), None, r"for a regimes model there is prototypes or mixture\.$"),
    ],
)
def test_what_cannot_label_is_refused_in_a_sentence_that_names_it(
    tmp_path: Path, text: str, weights: bytes | None, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        used(tmp_path, text, weights)


def test_the_fingerprint_changes_with_what_labels_depend_on_and_with_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    same = [used(folder, table("r")) for folder in (tmp_path, tmp_path / "elsewhere")]
    assert len({each.regimes[0].fingerprint for each in same}) == 1
    others = [
        used(tmp_path, table("r", more)) for more in ("confirm_sessions = 4", "margin = 0.2", "history_sessions = 64")
    ]
    others.append(used(tmp_path, table("r"), fitted(temperature=2.0)))
    assert len({each.regimes[0].fingerprint for each in (same[0], *others)}) == 5

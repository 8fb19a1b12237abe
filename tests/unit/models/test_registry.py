"""The models files: what is in them, what is refused with which sentence, and what a fingerprint depends on."""

from pathlib import Path

import numpy as np
import pytest

from stream_app.config import load_settings
from stream_app.encoding import TextModelSpec
from stream_app.encoding.model_files import fingerprint as packaged_fingerprint
from stream_app.encoding.model_files import packaged_folder
from stream_app.errors import UsageError
from stream_app.models import load_registry, models_in_use
from stream_app.models.scalings import Fitted, Half, ScalingWeights, TextHalf, decoded, encoded
from stream_app.models.tables import PACKAGED_MODELS
from stream_app.regime import numeric
from stream_app.regime.scaled import Scaling, TextScaling
from stream_app.toml_files import FILE_MAX_BYTES

RAW = '[models.num]\nkind = "numeric"\nalgorithm = "raw-path"\nwindow_days = 20\n'
TEXT = '[models.words]\nkind = "text"\nalgorithm = "mean-pooling"\n'
JOINT = '[models.both]\nkind = "joint"\nalgorithm = "average"\ninputs = ["words", "num"]\n'
SCALED = '[models.both]\nkind = "joint"\nalgorithm = "scaled"\ninputs = ["words", "num"]\nweights = "w.json"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "models.toml"
    path.write_text(text, encoding="utf-8")
    return path


def weights(mean: float = 0.1, scale: float = 2.0, window_days: int = 20, within: float = 0.0) -> bytes:
    of_mean = np.full(384, mean, np.float32)
    halves = Half.of(Scaling(of_mean, scale)), TextHalf.of(TextScaling(of_mean, scale, within))
    days, on = load_settings().calendar_end, numeric.fingerprint(window_days)
    return encoded(ScalingWeights(Fitted("num", on, "words", "2", ["US"], days, days, 2), *halves))


def test_every_packaged_model_can_be_put_together() -> None:
    registry = load_registry()
    found = {model_id: model for model_id in registry.tables if (model := registry.registered(model_id)) is not None}
    assert {model.dim for model in found.values()} == {384}
    assert len({model.fingerprint for model in found.values()}) == len(found)
    assert registry.text("text-fin-general-v1").spec == TextModelSpec()


@pytest.mark.parametrize("model_id", ["joint-regime-scaled-v1", "joint-regime-scaled-v2"])
def test_a_packaged_scaled_model_was_fitted_on_vectors_of_its_own_inputs(model_id: str) -> None:
    registry = load_registry()
    model, weights_file = registry.joint(model_id), registry.tables[model_id].weights
    assert weights_file is not None
    fitted = decoded(weights_file.read_bytes()).fitted
    assert (fitted.numeric_model_id, fitted.text_model_id) == (model.numeric.model_id, model.text.model_id)
    assert fitted.numeric_fingerprint == model.numeric.fingerprint, "fit it again: its numeric model has changed"
    assert fitted.text_fingerprint == packaged_fingerprint(packaged_folder(), TextModelSpec(), "float32")


def test_a_files_models_stand_beside_the_packaged_ones_or_take_their_place(tmp_path: Path) -> None:
    replaced = RAW.replace("num", "num-regime-core-v1", 1).replace("20", "40")
    registry = load_registry(write(tmp_path, RAW + TEXT + JOINT + replaced))
    assert list(registry.tables)[-3:] == ["num", "words", "both"]
    both = registry.joint("both")
    assert (both.numeric.model_id, both.numeric.window_days, both.text.model_id) == ("num", 20, "words")
    assert registry.joint("joint-regime-core-v1").numeric.window_days == 40


def test_models_in_use_are_the_inputs_of_the_joint_ones_each_once(tmp_path: Path) -> None:
    more = '[models.short]\nkind = "joint"\nalgorithm = "average"\ninputs = ["num", "text-fin-general-v1"]\n'
    file = write(tmp_path, RAW + more + more.replace("short", "twin"))
    chosen = {"models_file": file, "joint_models": "joint-regime-core-v1,short,twin"}
    used = models_in_use(load_settings(chosen))
    assert [model.model_id for model in used.joint] == ["joint-regime-core-v1", "short", "twin"]
    assert [model.model_id for model in used.numeric] == ["num-regime-core-v1", "num"]
    assert (used.text.model_id, used.longest_window_days) == ("text-fin-general-v1", 63)


def test_models_of_two_text_models_are_not_used_by_one_worker(tmp_path: Path) -> None:
    chosen = {"models_file": write(tmp_path, RAW + TEXT + JOINT), "joint_models": "both,joint-regime-core-v1"}
    told = (
        r"^joint_models need the text models words and text-fin-general-v1, but a worker encodes with one; name fewer\."
    )
    with pytest.raises(UsageError, match=told):
        models_in_use(load_settings(chosen))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("none", r"^There is no model none; joint models are joint-regime-core-v1"),
        ("num-regime-core-v1", r"^num-regime-core-v1 is a numeric model; joint models are joint-regime-core-v1"),
        ("joint-regime-core-v1 other", r"^There is no model joint-regime-core-v1 other; .* Part ids by commas\.$"),
    ],
)
def test_a_setting_that_names_no_joint_model_is_told_which_there_are(asked: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        models_in_use(load_settings({"joint_models": asked}))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("models = 3", r"has no \[models\.ID\] table\.$"),
        ("[models", "is not valid TOML: "),
        (RAW + "[regions.US]", r"has regions, but only \[models\.ID\] tables belong there\.$"),
        ('[models."a|b"]\nkind = "text"', r"a\|b\.\[key\]: 'a\|b' is no model's id, which has 1 to 200 characters"),
        ('[models.""]\nkind = "text"', r"\[key\]: '' is no model's id, which has 1 to 200 characters"),
        ('[models.x]\nkind = "joint"\nalgorithm = "average"\ninputs = [""]', r"x: inputs\.0: '' is no model's id, "),
        ("[models]\nnum = 3", "num: Input should be a valid dictionary"),
        ("[models.num]", "num: kind: Field required"),
        (RAW.replace("numeric", "numerical"), "num: kind: Input should be 'numeric', 'text', 'joint' or 'regimes'"),
        (RAW.replace("raw-path", "path"), "num: there is no algorithm path; for a numeric model there is raw-path or "),
        (RAW.replace("20", "129"), "num: window_days: Input should be less than or equal to 128"),
        (RAW.replace("window_days", "window"), "num: window: Extra inputs are not permitted"),
        (RAW + 'weights = "w.json"\n', r"num: the algorithm raw-path takes no weights\.$"),
        (
            RAW + 'inputs = ["words"]\n' + TEXT,
            r"num: its inputs must be no model\. words is a text model of /.*models\.toml\.$",
        ),
        (RAW + JOINT, r"both: its input words is no model that there is\.$"),
        (RAW + JOINT.replace('"words", ', ""), r"both: its inputs must be one numeric model and one text model\.$"),
        (RAW + TEXT + JOINT + "text_weight = 2.0\n", "both: text_weight: Extra inputs are not permitted"),
        (
            RAW + TEXT + SCALED.replace('weights = "w.json"\n', ""),
            r"both: the algorithm scaled needs weights, a file\.$",
        ),
        (RAW + TEXT + SCALED + "text_weight = 0.0\n", "both: text_weight: Input should be greater than 0"),
        (RAW + TEXT + SCALED + "text_weight = inf\n", "both: text_weight: Input should be"),
    ],
)
def test_a_wrong_models_file_says_what_is_wrong_with_which_model(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=rf"^The models file .*models\.toml:? .*{told}"):
        load_registry(write(tmp_path, text))


def test_a_models_file_that_is_missing_or_large_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^The models file .*nowhere\.toml cannot be read: No such file"):
        load_registry(tmp_path / "nowhere.toml")
    with pytest.raises(UsageError, match=r"models\.toml has over 1,048,576 bytes\.$"):
        load_registry(write(tmp_path, "#" * (FILE_MAX_BYTES + 1)))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"{", "cannot be used: "),
        (b'{"fitted": 3}', "cannot be used: "),
        (weights().replace(b'"days": 2', b'"weeks": 2'), "cannot be used: "),
        (weights().replace(b"0.1,", b"", 1), "cannot be used: "),
        (weights(scale=0.0), r"cannot be used: a scale is not a number from 1e-09 to 1e\+12"),
        (weights(scale=1e-300), "cannot be used: a scale is not"),
        (weights(scale=0.0, within=1.0), "cannot be used: a scale is not"),
        (weights(within=-1.0), "cannot be used: a scale is not"),
        (weights(mean=3e38), r"cannot be used: a mean is not 384 numbers of up to 1e\+12"),
        (weights().replace(b"0.1,", b"1e300,", 1), "cannot be used: a mean is not"),
        (weights().replace(b"0.1,", b"1e999,", 1), "cannot be used: "),
    ],
)
def test_weights_that_cannot_be_used_are_refused_naming_model_and_file(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "w.json").write_bytes(content)
    registry = load_registry(write(tmp_path, RAW + TEXT + SCALED))
    with pytest.raises(UsageError, match=rf"models\.toml: both: its weights .*w\.json {told}"):
        registry.joint("both")


def test_a_fingerprint_changes_with_parameters_and_weights_and_with_nothing_else(tmp_path: Path) -> None:
    def fingerprint(folder: str, content: bytes = weights(), more: str = "", tables: str = RAW + TEXT) -> str:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "w.json").write_bytes(content)
        return load_registry(write(tmp_path / folder, tables + SCALED + more)).joint("both").fingerprint

    first = fingerprint("a")
    assert fingerprint("b") == first
    assert fingerprint("c", tables=TEXT + RAW) == first
    assert fingerprint("d", more="text_weight = 3.0\n") == first
    changed = [fingerprint("e", more="text_weight = 4.0\n"), fingerprint("f", more="numeric_weight = 4.0\n")]
    changed += [fingerprint("g", content=weights(mean=0.2)), fingerprint("h", content=weights(within=1.0))]
    assert len({first, *changed}) == 5


def test_weights_that_were_fitted_on_another_numeric_model_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w.json").write_bytes(weights(window_days=30))
    with pytest.raises(UsageError, match=r"w\.json were fitted on vectors of num as it was then, not of num as it is"):
        load_registry(write(tmp_path, RAW + TEXT + SCALED)).joint("both")


def test_a_text_models_folder_is_found_beside_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    found = load_registry(write(tmp_path, TEXT + 'source = "own"\n')).text("words").spec.source
    assert found == str(tmp_path / "own")
    assert load_registry(write(tmp_path, TEXT + 'source = "some/hub-id"\n')).text("words").spec.source == "some/hub-id"


def test_a_file_that_is_still_empty_adds_no_model(tmp_path: Path) -> None:
    assert load_registry(write(tmp_path, "")).tables == load_registry().tables


def test_the_packaged_file_is_read_from_the_package() -> None:
    assert PACKAGED_MODELS.is_file()
    assert PACKAGED_MODELS.parent.name == "stream_app"


def test_a_text_model_has_its_pooling_precision_and_projection(tmp_path: Path) -> None:
    text = TEXT.replace("mean-pooling", "cls-pooling")
    file = write(tmp_path, text + 'source = "some/hub-id"\nprecision = "bfloat16"\nprojection = "p.safetensors"\n')
    expected = TextModelSpec("some/hub-id", "cls", "bfloat16", file.parent / "p.safetensors")
    assert load_registry(file).text("words").spec == expected

"""What is told of a trained space is what came of it, and files are there whole or not at all."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from safetensors import safe_open

from stream_app.errors import UsageError
from stream_app.models import load_registry
from stream_app.training import written
from stream_app.training.card import card, table
from stream_app.training.contrastive import Recipe
from stream_app.training.joint_space import Plan, Trained, figures, train
from stream_app.training.period import METADATA, fitted_period
from tests.unit.training.planted import planted

ID = "mine-v1"
PLAN = Plan("num-regime-core-v1", "text-fin-general-v1", 30, Recipe(epochs=2, dim=8))


@pytest.fixture(scope="module")
def trained() -> tuple[bytes, Trained]:
    return train(planted(400), PLAN, lambda epoch, loss: None)


def test_the_models_file_takes_the_table_and_the_registry_the_model(
    tmp_path: Path, trained: tuple[bytes, Trained]
) -> None:
    weights, models_file = tmp_path / "spaces" / f"{ID}.safetensors", tmp_path / "models.toml"
    written.write_all({weights: trained[0]})
    written.append(models_file, table(ID, trained[1], written.beside(weights, models_file)))
    assert tomllib.loads(models_file.read_text())["models"][ID]["weights"] == f"spaces/{ID}.safetensors"
    model = load_registry(models_file).joint(ID)
    assert (model.numeric.model_id, model.text.model_id) == (PLAN.numeric_model_id, PLAN.text_model_id)


def test_other_weights_are_another_fingerprint_and_no_weights_are_refused(
    tmp_path: Path, trained: tuple[bytes, Trained]
) -> None:
    models_file, weights = tmp_path / "models.toml", tmp_path / f"{ID}.safetensors"
    models_file.write_text(table(ID, trained[1], Path(weights.name)))
    prints = []
    for seed in (0, 1):
        plan = Plan(PLAN.numeric_model_id, PLAN.text_model_id, 30, Recipe(seed=seed, epochs=1, dim=8))
        weights.write_bytes(train(planted(400), plan, lambda epoch, loss: None)[0])
        prints.append(load_registry(models_file).joint(ID).fingerprint)
    assert len(set(prints)) == 2
    weights.write_bytes(b"none")
    with pytest.raises(UsageError, match=f"{ID}: its weights .* cannot be used: they are no safetensors file"):
        load_registry(models_file).joint(ID)


def test_a_table_is_added_after_what_the_file_holds(tmp_path: Path, trained: tuple[bytes, Trained]) -> None:
    models_file = tmp_path / "models.toml"
    for before in ("", "# mine", "# mine\n"):
        models_file.write_text(before)
        written.append(models_file, table(ID, trained[1], Path("x")))
        assert models_file.read_text().startswith(before)
        assert list(tomllib.loads(models_file.read_text())["models"]) == [ID]


def test_a_table_reads_back_as_what_it_was_made_of(tmp_path: Path) -> None:
    values: dict[str, written.Value] = {
        "weights": 'a "b"\\\n\x7f\x00 é🙂',
        "regions": ["US", "é"],
        "margin": 0.1,
        "n": 3,
    }
    assert tomllib.loads(written.table('my "id".v1', **values))["models"] == {'my "id".v1': values}


def test_no_file_takes_the_place_of_another_unasked_nor_ever_that_of_the_models_file(tmp_path: Path) -> None:
    models_file, there = tmp_path / "models.toml", tmp_path / "there.json"
    models_file.touch()
    there.touch()
    written.check_new([tmp_path / "new.json"], models_file, force=False)
    written.check_new([there], models_file, force=True)
    with pytest.raises(UsageError, match=r"there\.json is there already; --force replaces it"):
        written.check_new([tmp_path / "new.json", there], models_file, force=False)
    with pytest.raises(UsageError, match="is the models file; name another"):
        written.check_new([tmp_path / "." / "models.toml"], models_file, force=True)
    with pytest.raises(UsageError, match="is no regular file"):
        written.check_new([tmp_path], None, force=True)
    with pytest.raises(UsageError, match=r"there\.json is no folder"):
        written.check_new([there / "more" / "x.json"], None, force=True)
    with pytest.raises(UsageError, match=r"^/ is no regular file"):
        written.check_new([Path("/")], None, force=True)
    with pytest.raises(UsageError, match=r"^/proc/x\.json cannot be written: "):
        written.check_new([Path("/proc/x.json")], None, force=False)
    with pytest.raises(UsageError, match=r"there\.json/more/x\.json cannot be written: Not a directory"):
        written.write_all({there / "more" / "x.json": b""})


def test_the_weights_the_figures_and_the_card_tell_the_same(tmp_path: Path, trained: tuple[bytes, Trained]) -> None:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(trained[0])
    with safe_open(file, "numpy") as opened:
        told = msgspec.json.decode(opened.metadata()[METADATA], type=Trained)
    assert fitted_period(file) == (trained[1].train.first, trained[1].validation.last)
    assert told == trained[1] == msgspec.json.decode(figures(trained[1]), type=Trained)
    text = card(ID, trained[1])
    assert text.startswith(f"# {ID}\n")
    assert trained[1].verdict in text
    for side in (trained[1].train, trained[1].validation):
        assert f"| {side.days} | {side.pairs} | {side.first} | {side.last} |" in text
    assert json.loads(figures(trained[1]))["recipe"]["epochs"] == 2


def test_a_file_whose_writing_ends_early_leaves_none_behind_nor_changes_the_one_that_is_there(tmp_path: Path) -> None:
    class Ended(Mapping[Path, bytes]):
        """Ctrl-C comes before the second file's contents."""

        def __getitem__(self, path: Path) -> bytes:
            if path.name == "second":
                raise KeyboardInterrupt
            return b"new"

        def __iter__(self) -> Iterator[Path]:
            return iter([tmp_path / "first", tmp_path / "second"])

        def __len__(self) -> int:
            return 2

    (tmp_path / "second").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        written.write_all(Ended())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"first": b"new", "second": b"old"}


def test_too_few_days_are_refused() -> None:
    with pytest.raises(UsageError, match="There are 120 days with both halves to fit on and 50 to measure on, 30 days"):
        train(planted(200), PLAN, lambda epoch, loss: None)

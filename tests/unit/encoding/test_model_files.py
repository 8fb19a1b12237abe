"""A model's fingerprint, and the check of the packaged weights."""

from pathlib import Path

import pytest

from stream_app.encoding import TextModelSpec, model_files
from stream_app.encoding.model_files import check_files, packaged_folder
from stream_app.errors import Fatal

STORED = "f7c82e0bce1c2aa44feac735eca61d114c78a39d4e79335f58dc5185b889a983"
"""What databases know text-fin-general-v1 by; another would have every text encoded again."""


def fingerprint(folder: Path) -> str:
    """Of a model that computes as the packaged one does."""
    return model_files.fingerprint(folder, TextModelSpec(), "float32")


def model_folder(folder: Path, **changes: str) -> Path:
    """A folder of model files; `changes` gives other contents, a dot in a name being written as two underscores."""
    files = {"model__safetensors": "weights", "config__json": "{}", "tokenizer__json": "{}", "vocab__txt": "[PAD]"}
    folder.mkdir(parents=True)
    for name, content in (files | changes).items():
        (folder / name.replace("__", ".")).write_text(content)
    return folder


def test_the_same_files_have_the_same_fingerprint_wherever_they_are(tmp_path: Path) -> None:
    first, second = model_folder(tmp_path / "a"), model_folder(tmp_path / "b" / "c")
    assert fingerprint(first) == fingerprint(second)


@pytest.mark.parametrize("name", ["model__safetensors", "config__json", "tokenizer__json", "vocab__txt", "merges__txt"])
def test_any_file_that_can_change_a_vector_changes_the_fingerprint(tmp_path: Path, name: str) -> None:
    changed = model_folder(tmp_path / "changed", **{name: "other"})
    assert fingerprint(changed) != fingerprint(model_folder(tmp_path / "model"))


def test_a_readme_does_not_change_the_fingerprint(tmp_path: Path) -> None:
    described = model_folder(tmp_path / "described", README__md="a model")
    assert fingerprint(described) == fingerprint(model_folder(tmp_path / "model"))


def test_the_rules_of_encoding_are_part_of_the_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model_folder(tmp_path / "model")
    before = fingerprint(folder)
    monkeypatch.setattr(model_files, "MAX_TOKENS", 256)
    assert fingerprint(folder) != before


def test_a_folder_without_weights_is_fatal(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="holds no weights"):
        check_files(tmp_path)


def test_a_folder_without_a_tokenizer_is_fatal(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    for name in ("tokenizer.json", "vocab.txt"):
        check_files(folder)
        (folder / name).unlink()
    with pytest.raises(Fatal, match="holds no tokenizer"):
        check_files(folder)


def test_packaged_weights_that_are_not_the_published_ones_are_fatal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_files, "get_model_path", lambda: model_folder(tmp_path / "damaged"))
    with pytest.raises(Fatal, match="not the published file"):
        packaged_folder()


def test_packaged_weights_that_are_missing_are_fatal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "get_model_path", lambda: tmp_path)
    with pytest.raises(Fatal, match="not the published file"):
        packaged_folder()


def test_the_installed_package_holds_the_published_weights_and_keeps_the_fingerprint_of_stored_vectors() -> None:
    assert fingerprint(packaged_folder()) == STORED

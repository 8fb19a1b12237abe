"""Flags over environment over the settings file, wherever the flags stand."""

from pathlib import Path

import pytest

from stream_app.cli.choices import Choices
from stream_app.cli.failures import to_the_front
from tests.unit.cli.conftest import Run

IN_FILE = "postgresql://file:1/d"
IN_ENVIRONMENT = "postgresql://environment:1/d"
AS_FLAG = "postgresql://flag:1/d"
OPTIONS = {"--config", "--log-level"}


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_settings_file_of_the_folder_is_read(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "stream-app.toml", f'database_url = "{IN_FILE}"')
    assert run("db", "url").stdout == f"{IN_FILE}\n"


def test_the_environment_goes_over_the_settings_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "stream-app.toml", f'database_url = "{IN_FILE}"')
    monkeypatch.setenv("STREAM_APP_DATABASE_URL", IN_ENVIRONMENT)
    assert run("db", "url").stdout == f"{IN_ENVIRONMENT}\n"


@pytest.mark.parametrize(
    "words", [("--database-url", AS_FLAG, "db", "url"), ("db", "url", f"--database-url={AS_FLAG}")]
)
def test_a_flag_goes_over_both(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    write(tmp_path / "stream-app.toml", f'database_url = "{IN_FILE}"')
    monkeypatch.setenv("STREAM_APP_DATABASE_URL", IN_ENVIRONMENT)
    assert run(*words).stdout == f"{AS_FLAG}\n"


def test_another_settings_file_is_named_by_flag_or_by_environment(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write(tmp_path / "other.toml", f'database_url = "{IN_FILE}"')
    assert run("--config", other, "db", "url").stdout == f"{IN_FILE}\n"
    monkeypatch.setenv("STREAM_APP_CONFIG", str(other))
    assert run("db", "url").stdout == f"{IN_FILE}\n"


def test_the_same_choices_can_be_given_to_another_process() -> None:
    chosen = Choices(Path("my.toml"), {"data_dir": Path("d"), "topic_prefix": "t."})
    assert chosen.environment() == {
        "STREAM_APP_CONFIG": "my.toml",
        "STREAM_APP_DATA_DIR": "d",
        "STREAM_APP_TOPIC_PREFIX": "t.",
    }


@pytest.mark.parametrize(
    ("words", "sorted_words"),
    [
        ("show --log-level DEBUG --limit 3", "--log-level DEBUG show --limit 3"),
        ("show --config=a --limit 3", "--config=a show --limit 3"),
        ("--config a show", "--config a show"),
        ("show -- --config a", "show -- --config a"),
        ("show --config", "--config show"),
    ],
)
def test_options_of_the_root_may_stand_anywhere(words: str, sorted_words: str) -> None:
    assert to_the_front(words.split(), OPTIONS) == sorted_words.split()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"database_url = ", "stream-app.toml is not valid TOML"),
        (b"log_level = 'LOUD'", "log_level"),
        (b"nonsense = 1", "nonsense"),
        (b"\xff", "is not valid TOML"),
    ],
)
def test_a_wrong_settings_file_is_refused_in_one_sentence(
    run: Run, tmp_path: Path, text: bytes, complaint: str
) -> None:
    (tmp_path / "stream-app.toml").write_bytes(text)
    refused = run("db", "url")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("Error: ")
    assert complaint in refused.stderr
    assert refused.stdout == ""

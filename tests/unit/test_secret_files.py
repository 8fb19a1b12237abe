"""A secret's file holds one line; what is wrong is told without it."""

from pathlib import Path

import pytest

from stream_app.errors import UsageError
from stream_app.secret_files import LONGEST_SECRET_BYTES, read_secret


@pytest.mark.parametrize("content", ["s3cr3t", "s3cr3t\n", "s3cr3t\r\n"])
def test_a_secret_is_the_line_without_its_end(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret").write_bytes(content.encode())
    secret = read_secret(tmp_path / "secret", "kafka_password_file")
    assert secret.get_secret_value() == "s3cr3t"
    assert "s3cr3t" not in repr(secret)


def test_a_secret_may_have_spaces_and_letters_of_any_language(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(" pá ss ", encoding="utf-8")
    assert read_secret(tmp_path / "secret", "kafka_password_file").get_secret_value() == " pá ss "


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"s3cr3t\nsecond", b"s3cr3t\0", b"\xffs3cr3t", b"s3cr3t" * LONGEST_SECRET_BYTES],
    ids=["empty", "an-empty-line", "two-lines", "nul", "not-utf8", "long"],
)
def test_what_is_not_one_line_of_text_is_refused_and_not_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(UsageError, match=r"^kafka_password_file: .* does not hold one line of text ") as refused:
        read_secret(tmp_path / "secret", "kafka_password_file")
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(("name", "why"), [("absent", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(UsageError, match=rf"^kafka_password_file: .* cannot be read: {why}\.$"):
        read_secret(tmp_path / name, "kafka_password_file")

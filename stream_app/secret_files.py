"""Secrets in files of their own, as containers get them: one line, which no environment and no command line shows."""

from pathlib import Path

from pydantic import SecretStr

from stream_app.errors import UsageError

LONGEST_SECRET_BYTES = 1024


def read_secret(path: Path, setting: str) -> SecretStr:
    """The file's one line, without its end. Raises UsageError naming the setting, never what the file holds."""
    try:
        with path.open("rb") as file:
            found = file.read(LONGEST_SECRET_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{setting}: {path} cannot be read: {error.strerror}.") from None
    try:
        line = found.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        line = ""
    if len(found) > LONGEST_SECRET_BYTES or not line or not line.isprintable():
        raise UsageError(f"{setting}: {path} does not hold one line of text of at most {LONGEST_SECRET_BYTES} bytes.")
    return SecretStr(line)

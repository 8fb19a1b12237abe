"""Small files of the data folder that are whole or absent, also after a power loss."""

import os
from pathlib import Path

PRIVATE = 0o600
COMPLAINTS = ("FATAL", "PANIC", "Exception", "Error")
LONGEST_COMPLAINT = 300


def write_atomically(path: Path, text: str) -> None:
    """Replaces `path` with `text` in one step; the file is readable by its owner alone."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def complaint(log: Path) -> str:
    """The line of a log that says why its program ended: the last that names an error, else the last; shortened."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()] if log.exists() else []
    said = [line for line in lines if any(word in line for word in COMPLAINTS)] or [line for line in lines if line]
    return said[-1][:LONGEST_COMPLAINT].rstrip(".") if said else "it logged nothing"

"""What tests use of Debian's packages, where this is Debian; what fails is said by who asks and is no error here."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

SECONDS = 300


def apt_get(*words: str, folder: Path | None = None) -> None:
    """Run apt-get, in a folder."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-qq", *words]
    with suppress(subprocess.TimeoutExpired, FileNotFoundError):
        subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, timeout=SECONDS, check=False)


def update() -> None:
    """Learn what there is; only root may."""
    if os.geteuid() == 0:
        apt_get("update")


def have(found: Callable[[], str | None], get: Callable[[], None], getting: str, missing: str) -> None:
    """Get a program that is not found, or say that there is none."""
    if found() is None:
        print(f"{getting} …", flush=True)
        get()
    if found() is None:
        print(f"Warning: {missing}", file=sys.stderr)

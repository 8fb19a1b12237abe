"""The wheel of this tree, installed by itself: what a person has who never saw the repository."""

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 120.0
OF_THE_TREE = ("PYTHONPATH", "STREAM_APP_")


@dataclass(frozen=True, slots=True)
class Installed:
    """The wheel, and the environment that it is installed in."""

    wheel: Path
    environment: Path

    @property
    def program(self) -> Path:
        """The command `stream-app`."""
        return self.environment / "bin" / "stream-app"

    @property
    def python(self) -> Path:
        """The interpreter that sees the wheel and what it depends on, and not the tree."""
        return self.environment / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Where the wheel lies unpacked."""
        return Path(sysconfig.get_path("purelib", "venv", {"base": str(self.environment)}))

    def run(self, folder: Path, *words: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run words in a folder to their end. Raises CalledProcessError when it is a bad one."""
        return subprocess.run(
            [str(word) for word in words],
            cwd=folder,
            env=bare_environment(),
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=True,
        )


def bare_environment() -> dict[str, str]:
    """This process's environment without what leads back to the tree or sets anything."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OF_THE_TREE)}


def build_wheel(folder: Path, tree: Path = ROOT) -> Path:
    """The wheel of a tree as it is, built with the hatchling of this environment; nothing is downloaded."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=tree, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path) -> Installed:
    """The wheel in an environment at `folder`, which finds its dependencies where this one has them.

    A path in a .pth file is searched for packages but its own .pth files are not read: so the editable install of the
    tree, which is one, is not seen.
    """
    venv.create(folder, symlinks=True)
    installed = Installed(wheel, folder)
    (installed.packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-index", "--no-deps"]
    subprocess.run([*uv, "--python", str(installed.python), str(wheel)], check=True)
    return installed

"""What fault tests share: a text model that loads at once, and a database for tests that share one run."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.stream import REGIONS


@pytest.fixture(scope="session")
def text_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny real model; made in a process of its own, since importing torch takes seconds and memory."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    subprocess.run([sys.executable, "-m", "tests.faults.text_model", str(folder)], check=True)
    return folder


@pytest.fixture(scope="session")
def regions_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three regions over the market's instruments."""
    path = tmp_path_factory.mktemp("regions") / "regions.toml"
    path.write_text(REGIONS, encoding="utf-8")
    return path

"""What fault tests share: a text model that loads at once, and a database for tests that share one run."""

from pathlib import Path

import pytest

from tests.faults.stream import REGIONS
from tests.faults.text_model import make
from tests.faults.workers import FORKED


@pytest.fixture(scope="session")
def text_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny real model; made in a process that has torch already, since importing it takes seconds."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    maker = FORKED.Process(target=make, args=(folder,))
    maker.start()
    maker.join()
    assert maker.exitcode == 0
    return folder


@pytest.fixture(scope="session")
def regions_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three regions over the market's instruments."""
    path = tmp_path_factory.mktemp("regions") / "regions.toml"
    path.write_text(REGIONS, encoding="utf-8")
    return path

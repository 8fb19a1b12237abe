"""What a round needs of pytest for each recipe, wherever it lies: its end, its figures, and what is told of a break.

A plugin, which `tests/conftest.py` registers; as hooks of a conftest it would only see the recipes of one folder.
"""

import json
import os
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.conftest import drawn_from
from tests.faults.actions import ACTIONS
from tests.faults.rounds import FIGURES, LEFT_OUT, SEED, UNTIL

RECIPES = Path(__file__).parent


def pytest_runtest_setup() -> None:
    """Begin the log of actions; when the time of the rounds is over, nothing new begins."""
    ACTIONS.begin()
    if time.time() > float(os.environ.get(UNTIL, "inf")):
        ACTIONS.figures[LEFT_OUT] += 1
        pytest.skip("the time of these rounds is over")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a recipe that failed what was done before it, and how to do it again."""
    report = yield
    if report.failed and (SEED in os.environ or item.path.is_relative_to(RECIPES)):
        again = f"{SEED}={drawn_from()} .venv/bin/python -m pytest -m '' '{item.nodeid}'"
        report.sections += [("What was done, in order", ACTIONS.told()), ("To repeat it", again)]
    return report


def pytest_sessionfinish() -> None:
    """Hand the figures to the rounds, if they ask."""
    if folder := os.environ.get(FIGURES):
        Path(folder, f"{os.getpid()}.json").write_text(json.dumps(ACTIONS.figures), encoding="utf-8")

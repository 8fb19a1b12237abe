"""What `make faults` tells: the seed of each round, and of what breaks all that is needed to do it again."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.faults import broken_recipe
from tests.faults.rounds import FIGURES, LEFT_OUT, SEED, TOLD, UNTIL, summary

BROKEN = Path(broken_recipe.__file__)
ROOT = BROKEN.parents[2]
ELSEWHERE = ROOT / "tests" / "integration" / BROKEN.name
OWN = {name: value for name, value in os.environ.items() if name not in (SEED, FIGURES, UNTIL)}
"""The environment, without what the round that runs these tests may have given it."""


def rounds(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run rounds of some recipes, with no minutes to spare: one round."""
    command = [sys.executable, "-m", "tests.faults.rounds", "--minutes", "0", "--processes", "0", *words]
    return subprocess.run(command, cwd=ROOT, env=OWN | variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("recipe", [BROKEN, ELSEWHERE], ids=["of-this-folder", "of-another-folder"])
def test_what_breaks_is_told_with_its_seed_its_actions_and_the_command_that_repeats_it(recipe: Path) -> None:
    done = rounds(str(recipe))
    assert done.returncode == 1
    drawn = re.search(r"^round 1: seed (\d+)$", done.stdout, re.MULTILINE)
    assert drawn is not None, done.stdout + done.stderr
    seed = drawn[1]
    assert re.search(rf"^ +0\.\d+ s  kill -9 something chosen by {seed}$", done.stdout, re.MULTILINE)
    assert "kill -9 something else" not in done.stdout, "what passes is not told"
    again = f"FAULTS_SEED={seed} .venv/bin/python -m pytest -m '' '{recipe.relative_to(ROOT)}::test_that_breaks'"
    assert done.stdout.count(again) == 1
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == {"seeds": [int(seed)], "minutes": told["minutes"]} | dict.fromkeys((*TOLD, LEFT_OUT), 0) | {
        "kills": 2,
        "recipes": 1,
        "broken": True,
    }
    assert "something broke" in done.stdout


def test_a_given_seed_is_the_seed_of_the_only_round_and_what_passes_ends_with_0() -> None:
    done = rounds(f"{BROKEN}::test_that_passes", FAULTS_SEED="17", MINUTES="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^round (\d+): seed (\d+)$", done.stdout, re.MULTILINE) == [("1", "17")]
    assert json.loads(done.stdout.splitlines()[-1])["broken"] is False
    assert "nothing lost" in done.stdout


def test_the_figures_of_processes_side_by_side_are_added() -> None:
    done = rounds("--processes", "2", str(BROKEN))
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["kills"], told["recipes"]) == (2, 1), done.stdout


def test_nothing_begins_once_the_time_of_later_rounds_is_over() -> None:
    command = [sys.executable, "-m", "pytest", "-m", "", str(BROKEN)]
    done = subprocess.run(command, cwd=ROOT, env=OWN | {UNTIL: "1"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "2 skipped" in done.stdout


def test_a_summary_has_the_figures_of_all_rounds() -> None:
    told, line = summary([3, 4], Counter(kills=1_200, records=50_000), 31.5, broken=False).strip().splitlines()
    assert told.startswith("2 rounds of seeds 3, 4 in 31.5 minutes: 0 recipes, 1,200 kills, ")
    assert told.endswith("; nothing lost")
    assert json.loads(line)["records"] == 50_000


def test_a_round_that_the_time_cut_short_is_not_told_as_a_whole_one() -> None:
    told, line = summary([3, 4], Counter(left_out=7), 31.5, broken=False).strip().splitlines()
    assert " in 31.5 minutes, the last one cut short by 7 recipes: " in told
    assert json.loads(line)["left_out"] == 7

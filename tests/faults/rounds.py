"""`make faults`: every recipe, in rounds that each draw from a new seed, until the minutes are over.

The first rounds are whole ones, however long they take: as many as ROUNDS says, or one. A later one ends with the time,
and is told as cut short. A round in which something breaks is the last: pytest shows what was done before it, the seed,
and the command that repeats it, and this ends with 1.
FAULTS_SEED, where given, is the seed of the only round.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

SEED, FIGURES, UNTIL = "FAULTS_SEED", "FAULTS_FIGURES", "FAULTS_UNTIL"
"""Variables that a round's pytest is given: what to draw from, the folder of its figures, the time at which it ends."""
LEFT_OUT = "left_out"
"""The figure of the recipes that a round cut short did not begin."""
LARGEST_SEED = 2**31
EVERY_RECIPE = ("-m", "")
RECIPES = (
    "tests/faults",
    "tests/integration/test_clocks.py",  # R7
    "tests/integration/test_schema_versions.py",  # R8
    "tests/integration/positions",  # R13: lost, recreated and repartitioned topics
    "tests/integration/test_catching_up.py",  # R13: an emptied database
    "tests/integration/cli/test_backup.py",  # R13: a restored one
    "tests/integration/embedded/test_services.py",  # R14: what a power loss leaves
)
TOLD = ("recipes", "kills", "restarts", "outages", "rebalances", "records", "poison", "duplicates")
"""The figures of a summary, in order; duplicates are copies of an event that consumers of the topics saw."""


def main() -> int:
    """Run the rounds; 0 if every recipe passed."""
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=1, help="whole ones, whatever time they take")
    parser.add_argument("--processes", type=int, default=2, help="side by side, each with services of its own")
    parser.add_argument("recipes", nargs="*", default=RECIPES)
    asked = parser.parse_args()
    began = time.time()
    until = began + 60 * asked.minutes
    given = os.environ.get(SEED)
    seeds: list[int] = []
    figures: Counter[str] = Counter()
    broken = False
    while not broken and (not seeds or (given is None and (len(seeds) < asked.rounds or time.time() < until))):
        seed = random.randrange(LARGEST_SEED) if given is None else int(given)
        print(f"\nround {len(seeds) + 1}: seed {seed}", flush=True)
        words = (f"--numprocesses={asked.processes}", "--dist=worksteal", *asked.recipes)
        broken = not _round(seed, words, None if len(seeds) < asked.rounds else until, figures)
        seeds.append(seed)
    print(summary(seeds, figures, (time.time() - began) / 60, broken))
    return int(broken)


def _round(seed: int, words: Sequence[str], until: float | None, figures: Counter[str]) -> bool:
    """Run the recipes and add their figures; whether all passed."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {SEED: str(seed), FIGURES: folder} | ({} if until is None else {UNTIL: str(until)})
        command = [sys.executable, "-m", "pytest", *EVERY_RECIPE, "-rfE", *words]
        passed = subprocess.run(command, env=os.environ | variables, check=False).returncode == 0
        for file in Path(folder).iterdir():
            figures.update(json.loads(file.read_text(encoding="utf-8")))
        return passed


def summary(seeds: Sequence[int], figures: Counter[str], minutes: float, broken: bool) -> str:
    """The figures of all rounds as a line for people, and as a line of JSON."""
    counted = ", ".join(f"{figures[name]:,} {name}" for name in TOLD)
    cut = f", the last one cut short by {figures[LEFT_OUT]:,} recipes" if figures[LEFT_OUT] else ""
    told = f"{len(seeds)} rounds of seeds {', '.join(map(str, seeds))} in {minutes:.1f} minutes{cut}: {counted}; "
    told += "something broke, see above" if broken else "nothing lost"
    line = {"seeds": list(seeds), "minutes": round(minutes, 1), **{name: figures[name] for name in (*TOLD, LEFT_OUT)}}
    return f"\n{told}\n{json.dumps({**line, 'broken': broken})}"


if __name__ == "__main__":
    sys.exit(main())

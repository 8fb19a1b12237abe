"""Failpoints: where, at which pass and by which signal a process ends, and that another name does nothing."""

import os
import signal
import subprocess
import sys

import pytest

from stream_app.failpoints import VARIABLE

PASSES = """
from stream_app.failpoints import failpoint
for number in range(3):
    print(number, flush=True)
    failpoint("here")
"""


@pytest.mark.parametrize(
    ("armed", "ends_with", "printed"),
    [
        ("here", -signal.SIGKILL, "0"),
        ("here:2", -signal.SIGKILL, "0 1"),
        ("here:3:SIGTERM", -signal.SIGTERM, "0 1 2"),
        ("elsewhere", 0, "0 1 2"),
        ("", 0, "0 1 2"),
    ],
)
def test_a_process_ends_at_the_place_and_the_pass_that_were_named(armed: str, ends_with: int, printed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PASSES], env=os.environ | {VARIABLE: armed}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()) == (ends_with, printed.split())

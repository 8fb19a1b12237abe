"""What a forked process runs. It imports nothing of the product: the environment is set before that is."""

import ctypes
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence

PR_SET_PDEATHSIG = 1
MODULE = "FAULTS_MODULE"
"""The variable that names another module to run in the place of the product's."""


def run(words: Sequence[str], environment: Mapping[str, str], log: str) -> None:
    """The command `stream-app` with these words, its output in a file. It dies with the fork server."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, sys.stdout.fileno())
    os.dup2(descriptor, sys.stderr.fileno())
    os.environ.update(environment)
    sys.argv = ["stream-app", *words]
    runpy.run_module(environment.get(MODULE, "stream_app"), run_name="__main__", alter_sys=True)

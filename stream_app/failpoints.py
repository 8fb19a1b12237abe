"""Named places at which a fault test lets this process die at once, as in a power cut (FAULTS.md, recipe R1).

A process dies at the place that STREAM_APP_FAILPOINT named when it started. Without the variable a failpoint is one
comparison a chunk.
"""

import os
import signal

VARIABLE = "STREAM_APP_FAILPOINT"

_armed = os.environ.get(VARIABLE)


def failpoint(name: str) -> None:
    """Die here if this is the place that was named."""
    if name == _armed:
        os.kill(os.getpid(), signal.SIGKILL)

"""Named places at which a fault test lets this process die or stop at once, as in a power cut (FAULTS.md, recipe R1).

STREAM_APP_FAILPOINT names the place when the process starts: `NAME[:PASS[:SIGNAL]]`, the pass at which it happens (1)
and the signal that the process sends itself (SIGKILL). Without the variable a failpoint is one comparison a chunk.
"""

import os
import signal
from itertools import count

VARIABLE = "STREAM_APP_FAILPOINT"

_armed, _, _when = os.environ.get(VARIABLE, "").partition(":")
_pass, _, _signal = _when.partition(":")
_passes = count(1)


def failpoint(name: str) -> None:
    """Die here, or stop, if this is the place and the pass that were named."""
    if name == _armed and next(_passes) == int(_pass or 1):
        os.kill(os.getpid(), signal.Signals[_signal or "SIGKILL"])

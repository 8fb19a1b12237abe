"""Python's cycle collector while a stage or a server runs.

Records and rows come and go by the ten thousand and are in no cycle, but each counts as objects made; by default Python
looks through the young objects after 700 and, now and then, through all that the process consists of: 0.1 s of
processor time in which nothing else is done.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

COLLECT_AFTER_OBJECTS = 50_000
"""Objects made, less those freed, before the young ones are looked through: some ten chunks of records."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Collect seldom, and leave out what is there already; at the end all is as it was."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()

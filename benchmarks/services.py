"""A Kafka and a Postgres of a benchmark's own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream_app.embedded import Endpoints, start, stop


@contextmanager
def services() -> Iterator[Endpoints]:
    """Embedded services with a data folder that is thrown away at the end."""
    with tempfile.TemporaryDirectory(prefix="stream-app-bench-") as folder:
        try:
            yield start(Path(folder))
        finally:
            stop(Path(folder))

"""An export from its query to its file."""

from collections.abc import Callable
from contextlib import closing

from stream_app.export.writer import Writer
from stream_app.store import exported, models
from stream_app.store.database import Connection, errors_told_apart
from stream_app.store.exported import ExportQuery

Advance = Callable[[int], None]
"""Is told how many more days are written."""


async def write_days(connection: Connection, query: ExportQuery, writer: Writer, advance: Advance) -> None:
    """Write the days and the fingerprints of the models that they name; needs the snapshot of exported.snapshot."""
    named: set[str] = set()
    with closing(writer):
        async for chunk in exported.chunks(connection, query):
            writer.write(chunk)
            for day in chunk.days:
                of_label = None if day.context is None else day.context.regimes_model_id
                named.update(filter(None, (day.model_id, day.numeric_model_id, day.text_model_id, of_label)))
            advance(len(chunk.days))
        async with errors_told_apart():
            found = await models.named(connection, named)
        writer.finish(found)

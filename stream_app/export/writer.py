"""What every format does: take chunks of days one after the other, then the models, and be whole."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from stream_app.export.formats import Format
from stream_app.store.exported import DayChunk
from stream_app.store.models import Model


class Writer(Protocol):
    """Writes days into an open file that it does not close."""

    def write(self, chunk: DayChunk) -> None:
        """Write some days; memory holds no more than these."""

    def finish(self, models: Sequence[Model]) -> None:
        """Write what stands at the end, the fingerprints of the days' models among it where the format has a place."""

    def close(self) -> None:
        """Let go of all but the file, whether or not it became whole."""


def open_writer(form: Format, file: BinaryIO, folder: Path | None) -> Writer:
    """A format's writer; where it needs space for a while it takes it in `folder`, else in the system's place."""
    match form:
        case "parquet":
            from stream_app.export.parquet import ParquetContexts  # noqa: PLC0415 - pyarrow, for such a file only

            return ParquetContexts(file)
        case "csv":
            from stream_app.export.text import CsvContexts  # noqa: PLC0415 - as above

            return CsvContexts(file)
        case "npz":
            from stream_app.export.npz import NpzContexts  # noqa: PLC0415 - as above

            return NpzContexts(file, folder)

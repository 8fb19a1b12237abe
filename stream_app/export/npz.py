"""numpy's .npz: an array a column beside the matrix of the vectors, all readable with allow_pickle=False."""

import datetime as dt
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from schemas import DIM
from stream_app.export.columns import COLUMNS, Kind, values
from stream_app.export.text import SEPARATOR
from stream_app.store.exported import DayChunk
from stream_app.store.models import Model

UNKNOWN_INTEGER = -1
VECTORS, MODELS, FINGERPRINTS = "vectors", "models", "fingerprints"


def _texts(column: Sequence[str | None]) -> NDArray[Any]:
    return np.array([value or "" for value in column], dtype=np.str_)


def _instants(column: Sequence[dt.datetime | None]) -> NDArray[Any]:
    """In UTC; numpy's times have no zone."""
    naive = [None if value is None else value.astimezone(dt.UTC).replace(tzinfo=None) for value in column]
    return np.array(naive, dtype="datetime64[us]")


ARRAYS: Mapping[Kind, Callable[[Sequence[Any]], NDArray[Any]]] = {
    "text": _texts,
    "texts": lambda column: _texts([value and SEPARATOR.join(value) for value in column]),
    "date": lambda column: np.array(column, dtype="datetime64[D]"),
    "instant": _instants,
    "integer": lambda column: np.array([UNKNOWN_INTEGER if v is None else v for v in column], dtype=np.int32),
    "float64": lambda column: np.array(column, dtype=np.float64),
    "float32": lambda column: np.array(column, dtype=np.float32),
    "flag": lambda column: np.array(column, dtype=np.bool_),
}
"""An array of a column's values; what is not known is empty, NaN, NaT, -1 or false, as its type has it."""


class _Spool:
    """The chunks of one array on disk: its length and its texts' width stand before it and are known at its end."""

    def __init__(self, file: IO[bytes], width: tuple[int, ...]) -> None:
        self._file = file
        self._width = width
        self._lengths: list[int] = []
        self._dtype: np.dtype[Any] | None = None

    def append(self, array: NDArray[Any]) -> None:
        np.save(self._file, array, allow_pickle=False)
        self._lengths.append(len(array))
        self._dtype = array.dtype if self._dtype is None else np.promote_types(self._dtype, array.dtype)

    def copy_to(self, member: IO[bytes]) -> None:
        """Write the chunks as one array in the .npy format, a chunk in memory at a time."""
        assert self._dtype is not None
        shape = (sum(self._lengths), *self._width)
        header = {"descr": npy.dtype_to_descr(self._dtype), "fortran_order": False, "shape": shape}
        npy.write_array_header_1_0(member, header)
        for chunk in self._chunks():
            member.write(chunk.astype(self._dtype, copy=False).tobytes())

    def _chunks(self) -> Iterator[NDArray[Any]]:
        self._file.seek(0)
        for _ in self._lengths:
            yield np.load(self._file, allow_pickle=False)


class NpzContexts:
    """Writes contexts as .npz. Until it is whole it needs the same space again, in `folder`."""

    def __init__(self, file: BinaryIO, folder: Path | None) -> None:
        self._file = file
        widths: dict[str, tuple[int, ...]] = {VECTORS: (DIM,)} | dict.fromkeys(COLUMNS, ())
        with ExitStack() as files:
            self._spools = {
                name: _Spool(files.enter_context(TemporaryFile(dir=folder)), width) for name, width in widths.items()
            }
            self._spooled = files.pop_all()
        # Every array has a type also where there is no day.
        self.write(DayChunk([], np.empty((0, DIM), np.float32)))

    def write(self, chunk: DayChunk) -> None:
        """Set some days aside on disk."""
        self._spools[VECTORS].append(chunk.vectors)
        for name, column in values(chunk).items():
            self._spools[name].append(ARRAYS[COLUMNS[name].kind](column))

    def finish(self, models: Sequence[Model]) -> None:
        """Write the arrays, and the ids of the models and their fingerprints as two more."""
        with zipfile.ZipFile(self._file, "w") as archive:
            for name, spool in self._spools.items():
                with _member(archive, name) as member:
                    spool.copy_to(member)
            for name, told in ((MODELS, [m.model_id for m in models]), (FINGERPRINTS, [m.fingerprint for m in models])):
                with _member(archive, name) as member:
                    npy.write_array(member, _texts(told), allow_pickle=False)

    def close(self) -> None:
        """Give back the space of what was set aside."""
        self._spooled.close()


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A member without the time of its making."""
    return archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True)

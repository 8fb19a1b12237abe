"""A fitted labeller's file: JSON, whose numbers are written as the shortest text that gives the same bits back."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from schemas import DIM
from schemas.fields import Fingerprint, ModelId
from stream_app.errors import UsageError
from stream_app.regime.labels import Mixture, Prototypes

FILE_MAX_BYTES = 4 * 1024 * 1024
MOST_POINTS = 256

Number = Annotated[float, Meta(ge=-1e12, le=1e12)]
Spread = Annotated[float, Meta(ge=1e-12, le=1e30)]
"""With numbers and spreads within these every probability is a number."""
LABEL = "^[A-Z][A-Z0-9_-]{0,31}$"
Label = Annotated[str, Meta(pattern=LABEL)]
Labels = Annotated[tuple[Label, ...], Meta(min_length=2, max_length=64)]
Row = Annotated[tuple[Number, ...], Meta(min_length=1, max_length=DIM)]
Rows = Annotated[tuple[Row, ...], Meta(min_length=1, max_length=MOST_POINTS)]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="algorithm"):
    version: Literal[1] = 1
    labels: Labels
    numeric_model_id: ModelId
    numeric_fingerprint: Fingerprint


class PrototypesFile(_File, frozen=True, kw_only=True, tag="prototypes"):
    """Prototypes, or the centres of k-means."""

    distance: Literal["cosine", "euclidean"]
    temperature: Spread
    owners: Annotated[tuple[Label, ...], Meta(min_length=2, max_length=MOST_POINTS)]
    points: Rows

    def __post_init__(self) -> None:
        if set(self.owners) != set(self.labels) or len(self.owners) != len(self.points):
            raise ValueError("every label needs a point, and every point one of the labels")
        if any(len(point) != DIM for point in self.points):
            raise ValueError(f"a point has {DIM} numbers")

    def fitted(self) -> Prototypes:
        """As the labeller computes with it."""
        owners = np.array([self.labels.index(owner) for owner in self.owners])
        return Prototypes(np.array(self.points), owners, self.distance, self.temperature)


class MixtureFile(_File, frozen=True, kw_only=True, tag="mixture"):
    """A mixture of spherical Gaussians on principal axes."""

    origin: Row
    axes: Rows
    weights: Annotated[tuple[Annotated[float, Meta(gt=0, le=1)], ...], Meta(min_length=2, max_length=64)]
    means: Rows
    variances: Annotated[tuple[Spread, ...], Meta(min_length=2, max_length=64)]

    def __post_init__(self) -> None:
        if not len(self.labels) == len(self.weights) == len(self.means) == len(self.variances):
            raise ValueError("every label needs a weight, a mean and a variance")
        if len(self.origin) != DIM or any(len(axis) != DIM for axis in self.axes):
            raise ValueError(f"the origin and each axis have {DIM} numbers")
        if any(len(mean) != len(self.axes) for mean in self.means):
            raise ValueError("a mean has a number an axis")

    def fitted(self) -> Mixture:
        """As the labeller computes with it."""
        return Mixture(*map(np.array, (self.origin, self.axes, self.weights, self.means, self.variances)))


LabellerFile = PrototypesFile | MixtureFile

_decoder = msgspec.json.Decoder(PrototypesFile | MixtureFile)


def read(path: Path) -> tuple[LabellerFile, bytes]:
    """The labeller in a file, and the file's bytes. UsageError, naming the file, for anything else."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"The fitted regimes {path} cannot be read: {error.strerror}.") from None
    if len(data) > FILE_MAX_BYTES:
        raise UsageError(f"The fitted regimes {path} have over {FILE_MAX_BYTES:,} bytes.")
    try:
        return _decoder.decode(data), data
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} holds no fitted regimes: {error}.") from None


def encoded(content: LabellerFile) -> bytes:
    """The file's bytes; the same content always gives the same."""
    return msgspec.json.format(msgspec.json.encode(content, order="deterministic"), indent=1) + b"\n"


def file_of(
    labels: tuple[str, ...], fitted: Prototypes | Mixture, numeric_model_id: str, numeric_fingerprint: str
) -> LabellerFile:
    """What is written of a fit."""
    if isinstance(fitted, Prototypes):
        return PrototypesFile(
            labels=labels,
            numeric_model_id=numeric_model_id,
            numeric_fingerprint=numeric_fingerprint,
            distance=fitted.distance,
            temperature=fitted.temperature,
            owners=tuple(labels[owner] for owner in fitted.owners),
            points=_rows(fitted.points),
        )
    return MixtureFile(
        labels=labels,
        numeric_model_id=numeric_model_id,
        numeric_fingerprint=numeric_fingerprint,
        origin=tuple(fitted.origin.tolist()),
        axes=_rows(fitted.axes),
        weights=tuple(fitted.weights.tolist()),
        means=_rows(fitted.means),
        variances=tuple(fitted.variances.tolist()),
    )


def _rows(matrix: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())

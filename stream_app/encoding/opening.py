"""Opens a text model by its spec: every way in which it cannot be used is one sentence, at once.

Importing this module imports torch, which takes seconds.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from schemas import DIM
from stream_app.encoding.encoder import TextModel, first_line
from stream_app.encoding.model_files import check_files, fingerprint, packaged_folder
from stream_app.encoding.probes import LEAST_COSINE, PROBES, check_encoder, embedded, least_cosine
from stream_app.encoding.projection import ModelOf384, Projection, read_projection
from stream_app.encoding.spec import Precision, TextModelSpec
from stream_app.encoding.transformer import CORES, TransformerModel, cached_folder, find_device, use_one_core
from stream_app.errors import Fatal
from stream_app.setting_types import Device

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class OpenedModel:
    """A text model that can be used, by how many threads at once, and how each of them begins."""

    model: TextModel
    fingerprint: str
    threads: int
    initializer: Callable[[], None]


@dataclass(frozen=True, slots=True, eq=False)
class BareModel:
    """A text model that gives vectors of its own dimension; `fingerprint` leaves any projection out."""

    model: TransformerModel
    folder: Path
    dim: int
    precision: Precision
    fingerprint: str


def open_model(spec: TextModelSpec, device: Device) -> OpenedModel:
    """A model whose vectors have 384 numbers. Fatal in one sentence that says what to do where there is none.

    On cpu it has a thread a core, each with a batch of its own: threads that share a product of matrices wait for one
    another after every one of them, for long when another process has one of their cores. Elsewhere one thread feeds
    the device.
    """
    found = find_device(device)
    projection = None if spec.projection is None else read_projection(spec.projection)
    bare = open_bare(spec, found)
    model = bare.model if bare.dim == DIM and projection is None else ModelOf384(bare.model, _fits(bare, projection))
    own = fingerprint(bare.folder, spec, bare.precision)
    if found == "cpu":
        return OpenedModel(model, own, CORES, use_one_core)
    return OpenedModel(model, own, 1, lambda: None)


def open_bare(spec: TextModelSpec, device: str) -> BareModel:
    """The model without its projection, on a device of `find_device`. Fatal where it cannot be used."""
    folder = _folder(spec.source)
    check_files(folder)
    try:
        model, dim, precision = _loaded(folder, spec, device)
    except Exception as error:
        raise Fatal(f"The text model in {folder} cannot be used: {first_line(error)}.") from error
    alone = TextModelSpec(spec.source, spec.pooling, spec.precision)
    return BareModel(model, folder, dim, precision, fingerprint(folder, alone, precision))


def _loaded(folder: Path, spec: TextModelSpec, device: str) -> tuple[TransformerModel, int, Precision]:
    """The model, its dimension, and what it computes in: what the spec says, where that keeps the probes' vectors."""
    model = TransformerModel(folder, spec.pooling, device)
    dim = check_encoder(model)
    if spec.precision == "float32":
        return model, dim, "float32"
    full = embedded(model, PROBES)
    model.to_bfloat16()
    cosine = least_cosine(full, embedded(model, PROBES))
    if cosine >= LEAST_COSINE:
        return model, dim, "bfloat16"
    log.warning(
        "the text model in %s computes in float32: bfloat16 keeps a cosine of %.5f of its vectors, not %g",
        folder,
        cosine,
        LEAST_COSINE,
    )
    return TransformerModel(folder, spec.pooling, device), dim, "float32"


def _fits(bare: BareModel, projection: Projection | None) -> Projection | None:
    """The projection, which must be the model's own where it is needed, and absent where it is not."""
    if projection is None and bare.dim > DIM:
        raise Fatal(
            f"The text model in {bare.folder} gives {bare.dim} numbers, more than {DIM}: fit a projection with "
            f"`stream-app train projection --text-model {bare.folder}`, and name its file as the model's projection."
        )
    if projection is not None and bare.dim <= DIM:
        raise Fatal(f"The text model in {bare.folder} gives {bare.dim} numbers and needs no projection: leave it out.")
    if projection is not None and projection.fitted_on.model != bare.fingerprint:
        raise Fatal(
            f"The text projection was fitted on another model than the one in {bare.folder}, or on other rules: fit it "
            f"again with `stream-app train projection --text-model {bare.folder}`."
        )
    return projection


def _folder(source: str | None) -> Path:
    if source is None:
        return packaged_folder()
    if Path(source).is_dir():
        return Path(source)
    try:
        return cached_folder(source)
    except (OSError, ValueError):
        raise Fatal(
            f"The text model {source!r} is neither a folder nor a model in the local Hugging Face cache."
        ) from None

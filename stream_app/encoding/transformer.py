"""A transformer from local files as a text model. Importing this module imports torch, which takes seconds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer
from transformers.utils.hub import cached_file
from transformers.utils.logging import disable_progress_bar

from stream_app.encoding.model_files import MAX_TOKENS
from stream_app.encoding.spec import Pooling
from stream_app.errors import Fatal
from stream_app.setting_types import Device

# encoder-only models bring a pooling head that the pooling here does not use
_UNUSED_WEIGHTS = "pooler."


CORES = torch.get_num_threads()
"""Those that torch may use; OMP_NUM_THREADS limits them. Read before any thread keeps to one of them."""


class TransformerModel:
    """Tokenises and encodes texts. Any number of threads may use it at once."""

    def __init__(self, folder: Path, pooling: Pooling = "mean", device: str = "cpu") -> None:
        """Loads float32 weights from the folder alone, to a device of `find_device`.

        Raises what transformers raises, or ValueError when weights are missing.
        """
        disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers has no annotations here
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model, loading = AutoModel.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
        )
        missing = [name for name in loading["missing_keys"] if not name.startswith(_UNUSED_WEIGHTS)]
        if missing:
            raise ValueError(f"its files lack {len(missing)} of the weights, {missing[0]} for one")
        self._model = model.eval().to(device)
        self._pooling = pooling
        self._device = device
        self.max_tokens = min(MAX_TOKENS, self._tokenizer.model_max_length)

    def to_bfloat16(self) -> None:
        """Compute in bfloat16 from now on; the float32 weights are gone."""
        self._model = self._model.to(torch.bfloat16)

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, special tokens included, the first 512 kept; not padded."""
        encoded = self._tokenizer(
            list(texts),
            truncation=True,
            max_length=self.max_tokens,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        tokens: list[list[int]] = encoded["input_ids"]
        return tokens

    def embed(self, tokens: Sequence[list[int]]) -> NDArray[np.float32]:
        """(n, dim): the mean of the last hidden state over each text's tokens, or its first token's, of length 1 (L2).

        Pooled in float32 whatever the model computes in.
        """
        ids, mask = _padded(tokens, self._tokenizer.pad_token_id or 0)
        with torch.inference_mode():
            hidden = self._hidden(ids, mask)
            if self._pooling == "cls":
                pooled = hidden[:, 0]
            else:
                weight = mask.to(self._device).unsqueeze(-1).to(hidden.dtype)
                pooled = (hidden * weight).sum(dim=1) / weight.sum(dim=1)
            vectors: NDArray[np.float32] = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        return vectors

    def reads_ahead(self, tokens: list[int]) -> bool:
        """Whether the first token's state depends on the last token, as an encoder's does and a generator's does not.

        `tokens` are at least three. AttributeError or what the model raises where it has no states of its tokens.
        """
        other = [*tokens[:-1], tokens[-2]]
        ids, mask = _padded([tokens, other], 0)
        with torch.inference_mode():
            hidden = self._hidden(ids, mask)
        return not torch.equal(hidden[0, 0], hidden[1, 0])

    def _hidden(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(n, longest, dim) float32."""
        answer = self._model(input_ids=ids.to(self._device), attention_mask=mask.to(self._device))
        hidden: torch.Tensor = answer.last_hidden_state
        return hidden.float()


def find_device(wanted: Device) -> str:
    """The device that PyTorch is to use. Fatal for one that it does not find on this machine."""
    found = ["cuda"] if torch.cuda.is_available() else []
    found += ["mps"] if torch.backends.mps.is_available() else []
    found += ["cpu"]
    if wanted == "auto":
        return found[0]
    if wanted not in found:
        raise Fatal(f"PyTorch finds no {wanted} here: set text_device to auto or {' or '.join(found)}.")
    return wanted


def use_one_core() -> None:
    """Keep what torch does in this thread to one core."""
    torch.set_num_threads(1)


def cached_folder(hub_id: str) -> Path:
    """The folder of a hub model that is already in the local Hugging Face cache. OSError when it is not."""
    config = cached_file(hub_id, "config.json", local_files_only=True)
    if config is None:
        raise FileNotFoundError(hub_id)
    return Path(config).parent


def _padded(tokens: Sequence[list[int]], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask, both (n, longest) int64."""
    longest = max(map(len, tokens))
    ids = np.full((len(tokens), longest), pad_id, np.int64)
    mask = np.zeros((len(tokens), longest), np.int64)
    for row, text in enumerate(tokens):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)

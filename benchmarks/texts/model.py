"""The packaged model as the benchmark sees it: its words, its lengths, its shape, and the machine's speed at that."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoConfig, AutoTokenizer

from benchmarks.texts.bound import Shape, product_operations
from benchmarks.texts.documents import whole_words
from stream_app.encoding.model_files import MAX_TOKENS, packaged_folder

PRODUCT_ROWS = 1_024
PRODUCT_SECONDS = 1.0


def words() -> NDArray[np.str_]:
    """The words of which documents are made, in the tokenizer's order."""
    vocabulary = _tokenizer().get_vocab()
    return whole_words(sorted(vocabulary, key=vocabulary.__getitem__))


def lengths(documents: Sequence[str]) -> list[int]:
    """The tokens of each document that the model takes, special ones included."""
    tokens = _tokenizer()(list(documents), truncation=True, max_length=MAX_TOKENS)["input_ids"]
    return [len(of_one) for of_one in tokens]


def shape() -> Shape:
    """The packaged model's."""
    config = AutoConfig.from_pretrained(packaged_folder(), local_files_only=True)
    return Shape(config.num_hidden_layers, config.hidden_size, config.intermediate_size)


def operations_a_second(of: Shape) -> float:
    """The machine's speed at the model's largest product, with the threads that torch takes by itself."""
    product, tokens = torch.nn.Linear(of.hidden, of.inner), torch.randn(PRODUCT_ROWS, of.hidden)
    count, began = 0, time.perf_counter()
    with torch.inference_mode():
        while (seconds := time.perf_counter() - began) < PRODUCT_SECONDS:
            product(tokens)
            count += 1
    return count * product_operations(PRODUCT_ROWS, of) / seconds


def _tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(packaged_folder(), local_files_only=True)

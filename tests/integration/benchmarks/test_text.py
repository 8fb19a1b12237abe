"""The text benchmark's picture of the packaged model: its documents' lengths and the operations that they take."""

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModel

from benchmarks.texts import model
from benchmarks.texts.bound import operations
from benchmarks.texts.documents import documents
from stream_app.encoding.model_files import packaged_folder


def test_a_documents_words_are_one_token_each() -> None:
    texts = documents(50, model.words())
    assert model.lengths(texts) == [min(512, len(text.split(" ")) + 2) for text in texts]


def test_the_operations_are_those_that_torch_counts() -> None:
    encoder = AutoModel.from_pretrained(packaged_folder(), local_files_only=True, attn_implementation="eager").eval()
    for tokens in (10, 100):
        with torch.no_grad(), FlopCounterMode(display=False) as counted:
            encoder.encoder(torch.zeros(1, tokens, encoder.config.hidden_size))
        assert counted.get_total_flops() == operations([tokens], model.shape())


def test_the_machine_multiplies() -> None:
    assert model.operations_a_second(model.shape()) > 0

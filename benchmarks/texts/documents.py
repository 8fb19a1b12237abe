"""Documents to measure with: as long as real news, made of the tokenizer's own words, the same ones every time.

The lengths are those of two collections of real news, counted by the packaged model's tokenizer: 3,679 headlines of
world news (every 20th of 2008 to 2016) and 403 full texts, the statements and decisions of two central banks (1994 to
2025). One document in five is as long as a full text, and most of those are longer than the 512 tokens that the model
takes.
"""

import numpy as np
from numpy.typing import NDArray

PERCENTS = (0, 1, 5, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 95, 99, 100)
HEADLINES = (5, 7, 9, 10, 12, 13, 14, 16, 19, 23, 28, 32, 36, 47, 55, 65, 82)
FULL_TEXTS = (55, 126, 200, 257, 365, 397, 444, 528, 654, 797, 1109, 6619, 7564, 9400, 11968, 13160, 14496)
"""Tokens at each of PERCENTS, [CLS] and [SEP] among them."""
A_FULL_TEXT_IN = 5
SPECIAL_TOKENS = 2
SEED = 20_080_915


def documents(count: int, words: NDArray[np.str_]) -> list[str]:
    """So many different documents in no order, of words that are one token each."""
    chance = np.random.default_rng(SEED)
    return [" ".join(chance.choice(words, tokens - SPECIAL_TOKENS)) for tokens in lengths(count, chance)]


def lengths(count: int, chance: np.random.Generator) -> list[int]:
    """Tokens of so many documents, spread evenly over each collection's percentiles, in no order."""
    full_texts = count // A_FULL_TEXT_IN
    spread = [_at_even_percents(HEADLINES, count - full_texts), _at_even_percents(FULL_TEXTS, full_texts)]
    tokens: list[int] = chance.permutation(np.concatenate(spread)).tolist()
    return tokens


def whole_words(vocabulary: list[str]) -> NDArray[np.str_]:
    """The vocabulary's words of small letters, which the tokenizer neither cuts nor changes."""
    return np.array([word for word in vocabulary if word.isascii() and word.isalpha() and word.islower()])


def _at_even_percents(tokens: tuple[int, ...], count: int) -> NDArray[np.int64]:
    percents = (np.arange(count) + 0.5) * 100 / max(count, 1)
    return np.interp(percents, PERCENTS, tokens).astype(np.int64)

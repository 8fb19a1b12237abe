"""How many documents a second the machine could encode at most, by its own speed at the model's matrix shape.

A token goes through six matrix products a layer: 384 x 384 four times (query, key, value, output), 384 x 1536 and back.
In a document of n tokens it also meets each of the n in two products of attention (its scores, and the sum they weigh),
384 numbers each. A multiplication with its addition is two operations, so a document of n tokens takes

    2 n x layers x (4 x 384^2 + 2 x 384 x 1536 + 2 n x 384)

of them, and nothing else counts: no padding, no softmax, no GELU, no norms, no tokenizing. The machine's speed is that
of torch's float32 product of 1,024 tokens by 384 x 1536, the model's largest, with as many threads. The bound is what
the documents would take if all of their operations went at that speed.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """A transformer's layers, and the widths of its hidden state and of what lies between."""

    layers: int
    hidden: int
    inner: int


def operations(lengths: Iterable[int], shape: Shape) -> int:
    """The operations of the matrix products for documents of so many tokens."""
    weights = 4 * shape.hidden**2 + 2 * shape.hidden * shape.inner
    return sum(2 * n * shape.layers * (weights + 2 * n * shape.hidden) for n in lengths)


def product_operations(rows: int, shape: Shape) -> int:
    """The operations of the model's largest product for so many tokens."""
    return 2 * rows * shape.hidden * shape.inner


def documents_a_second(lengths: list[int], shape: Shape, operations_a_second: float) -> float:
    """The bound."""
    return len(lengths) * operations_a_second / operations(lengths, shape)

"""Which metrics an expression asks for."""

import re
from collections.abc import Iterator

import promql_parser as promql

_OF_A_HISTOGRAM = re.compile(r"_(bucket|sum|count)$")


def used_metrics(expression: str) -> Iterator[str]:
    """The names of metrics in a PromQL expression, of a histogram's samples its own."""
    selectors: list[str] = []

    def seen(node: promql.Expr) -> bool:
        if isinstance(node, promql.VectorSelector):
            selectors.append(str(node.name))
        return True

    promql.walk(promql.parse(expression), seen)
    for name in selectors:
        yield _OF_A_HISTOGRAM.sub("", name)

"""The table of metrics in docs/operations.md is what the list has."""

from stream_app.metrics.listed import METRICS, Metric
from tests.unit.test_imports import ROOT

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def row(metric: Metric) -> str:
    """The metric's row, as it must stand there."""
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {metric.unit} | {labels} | {metric.meaning} |"


def test_the_table_of_metrics_is_what_the_list_has() -> None:
    table = "\n".join(map(row, METRICS))
    assert table in OPERATIONS, f"put these rows into docs/operations.md:\n{table}"

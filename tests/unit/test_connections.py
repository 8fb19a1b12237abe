"""Each service is connected to in one place, so that its login and its TLS are those of the settings everywhere."""

import ast

import pytest

from tests.unit.test_imports import PRODUCT, modules

MADE_IN = {
    "AIOKafkaProducer": {"stream_app.kafka.clients"},
    "AIOKafkaConsumer": {"stream_app.kafka.clients"},
    "AIOKafkaAdminClient": {"stream_app.kafka.clients"},
    "AIOKafkaClient": set[str](),
    "asyncpg.connect": {"stream_app.store.opening"},
    "asyncpg.create_pool": {"stream_app.store.database"},
    "create_async_engine": {"stream_app.store.migrate"},
    "create_engine": set[str](),
}
"""What opens connections, and the modules that call it."""
BARE = ("benchmarks.candidates.", "benchmarks.serving.peer")
"""The peers of a benchmark, on services of its own."""


def opened(tree: ast.AST) -> set[str]:
    """What the tree calls of MADE_IN, also under a module's name."""
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {name for name in MADE_IN if any(f".{call}".endswith(f".{name}") for call in called)}


def test_connections_are_opened_in_one_place_for_each_service() -> None:
    places: dict[str, set[str]] = {name: set() for name in MADE_IN}
    for module, path in modules(*PRODUCT, "benchmarks"):
        if not module.startswith(BARE):
            for name in opened(ast.parse(path.read_text())):
                places[name].add(module)
    assert places == MADE_IN


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("AIOKafkaConsumer('t', bootstrap_servers=s)", {"AIOKafkaConsumer"}),
        ("aiokafka.AIOKafkaProducer()", {"AIOKafkaProducer"}),
        ("async def f():\n    await asyncpg.connect(url)", {"asyncpg.connect"}),
        ("connect(url)", set()),
    ],
)
def test_the_check_sees_what_opens_a_connection(code: str, found: set[str]) -> None:
    assert opened(ast.parse(code)) == found

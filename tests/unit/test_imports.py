"""The shape of the tree: which part may import which, where SQL stands, and how long a module may be."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("schemas", "agents", "stream_app", "migrations")
LONGEST_MODULE = 400

# Each part (the longest matching prefix counts) and what of the product it must not import.
FORBIDDEN = {
    "schemas": ("stream_app", "agents", "migrations"),
    "migrations": ("agents", "stream_app.cli", "stream_app.contexts", "stream_app.web"),
    "stream_app.regime": ("stream_app", "agents", "migrations"),
    "stream_app.store": ("agents", "stream_app.cli", "stream_app.contexts", "stream_app.web"),
    "stream_app.kafka": ("agents", "stream_app.cli", "stream_app.contexts", "stream_app.web"),
    "stream_app.encoding": ("agents", "stream_app.cli", "stream_app.contexts", "stream_app.web"),
    "stream_app.embedded": ("agents", "stream_app.cli", "stream_app.contexts", "stream_app.web"),
    "stream_app.evaluation": ("agents", "stream_app.cli", "stream_app.contexts", "stream_app.kafka", "stream_app.web"),
    "stream_app.export": ("agents", "stream_app.cli", "stream_app.contexts", "stream_app.kafka", "stream_app.web"),
    "stream_app.contexts": ("agents", "stream_app.cli", "stream_app.web"),
    "stream_app.training": ("agents", "stream_app.cli", "stream_app.web"),
    "stream_app.positions": ("agents", "stream_app.cli", "stream_app.contexts", "stream_app.web"),
    "stream_app.backfill": ("agents", "stream_app.cli", "stream_app.kafka", "stream_app.web"),
    "stream_app.status": ("agents", "stream_app.cli", "stream_app.web"),
    "stream_app.web": ("agents", "stream_app.cli"),
    "agents": ("stream_app.cli", "stream_app.web"),
}
# The domain is mathematics: besides the standard library and the schemas it knows these alone.
REGIME_MAY_IMPORT = {"numpy", "exchange_calendars", "schemas", "stream_app.regime"}

SQL = re.compile(
    r"\b(insert\s+into|update\s+\w+\s+set|delete\s+from|select\s[\s\S]+?\sfrom\s|(create|alter|drop)\s+(table|database|index))\b",
    re.IGNORECASE,
)
# Where SQL may stand. The embedded Postgres makes the empty database that the store's migrations then fill.
SQL_PLACES = ("stream_app.store", "migrations", "stream_app.embedded.postgres")


def modules(*parts: str) -> list[tuple[str, Path]]:
    """Dotted name and file of each module under the parts."""
    paths = [path for part in parts for path in sorted((ROOT / part).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    return list(zip(names, paths, strict=True))


def imports(tree: ast.AST, module: str, is_package: bool) -> set[str]:
    """Every module that the tree imports, wherever in it, with relative names resolved."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.split(".") if is_package else module.split(".")[:-1]
                base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


def lies_in(name: str, part: str) -> bool:
    """Whether the module is the part or inside it."""
    return name == part or name.startswith(f"{part}.")


def forbidden_imports(name: str, imported: set[str]) -> set[str]:
    """What the module imports though its part must not; its own part is always its own."""
    part = max((part for part in FORBIDDEN if lies_in(name, part)), key=len, default=None)
    if part is None:
        return set()
    strangers = {other for other in imported if not lies_in(other, part)}
    return {other for other in strangers if any(lies_in(other, barred) for barred in FORBIDDEN[part])}


def unknown_to_regime(imported: set[str]) -> set[str]:
    """What a module of stream_app.regime imports beyond the standard library, numpy, the calendars and the schemas."""
    return {
        name
        for name in imported
        if name.split(".")[0] not in sys.stdlib_module_names
        and name != "stream_app"
        and not any(lies_in(name, allowed) for allowed in REGIME_MAY_IMPORT)
    }


def strings(tree: ast.AST) -> Iterator[str]:
    """The string literals of the tree, f-strings with their holes as a word; docstrings are left out."""
    # Text that stands alone as a statement: docstrings of modules, classes, functions and attributes.
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "hole" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


@pytest.mark.parametrize(("name", "path"), modules(*PRODUCT), ids=[name for name, _ in modules(*PRODUCT)])
def test_imports_point_one_way(name: str, path: Path) -> None:
    imported = imports(ast.parse(path.read_text()), name, path.name == "__init__.py")
    assert forbidden_imports(name, imported) == set()
    if lies_in(name, "stream_app.regime"):
        assert unknown_to_regime(imported) == set()


def test_sql_stands_in_the_store_and_the_migrations_alone() -> None:
    found = {
        f"{name}: {text.strip()[:60]}"
        for name, path in modules(*PRODUCT)
        if not any(lies_in(name, place) for place in SQL_PLACES)
        for text in strings(ast.parse(path.read_text()))
        if SQL.search(text)
    }
    assert found == set()


def test_no_module_is_longer_than_a_reader_bears() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in modules(*PRODUCT, "benchmarks", "tests")}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


@pytest.mark.parametrize(
    ("name", "statement", "barred"),
    [
        ("stream_app.kafka.stage", "from agents import price_closes", {"agents", "agents.price_closes"}),
        (
            "stream_app.regime.text",
            "from stream_app.errors import Fatal",
            {"stream_app.errors", "stream_app.errors.Fatal"},
        ),
        ("stream_app.contexts.closer", "import stream_app.cli.main", {"stream_app.cli.main"}),
        (
            "stream_app.store.prices",
            "from ..contexts import closer",
            {"stream_app.contexts", "stream_app.contexts.closer"},
        ),
        ("stream_app.store.prices", "def f():\n    import stream_app.cli", {"stream_app.cli"}),
        ("stream_app.regime.joint", "from stream_app.regime import numeric", set()),
        ("agents.price_closes", "from stream_app.contexts import closer", set()),
    ],
)
def test_the_check_sees_what_it_is_there_to_see(name: str, statement: str, barred: set[str]) -> None:
    assert forbidden_imports(name, imports(ast.parse(statement), name, is_package=False)) == barred


@pytest.mark.parametrize(
    "text",
    ["INSERT INTO a VALUES (1)", "update a set b = 1", "DELETE FROM a", "SELECT a,\n b FROM c", "CREATE TABLE a ()"],
)
def test_the_check_knows_sql(text: str) -> None:
    assert SQL.search(text)
    assert [found for found in strings(ast.parse(f'"""{text}"""\nquery = f"""{text} {{1}}"""')) if SQL.search(found)]


@pytest.mark.parametrize("text", ["Update the settings and run again.", "select one of these", "created from a table"])
def test_the_check_leaves_prose_alone(text: str) -> None:
    assert not SQL.search(text)

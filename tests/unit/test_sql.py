"""What Postgres is asked is a constant of the code; whatever comes from outside goes beside it, as a parameter."""

import ast
from collections.abc import Iterator

import pytest

from tests.unit.test_imports import modules

ASKING = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "cursor", "prepare"}
"""The methods of a connection whose first argument is SQL."""
CLOSED = {"VersionedTable", "NewsDay"}
"""What a function that writes SQL may depend on: both have a few values, which stand in the code."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function of the tree."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def asked(function: Function) -> Iterator[ast.expr]:
    """The SQL that the function asks."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKING:
            yield node.args[0] if node.args else ast.Constant("")


def is_constant(sql: ast.expr, function: Function) -> bool:
    """Whether the SQL is a text, a module's constant or one of several, or written by a `…_sql` function."""
    match sql:
        case ast.Constant():
            return True
        case ast.Name(id=name) if name.isupper():
            return True
        case ast.Name(id=name):
            return name in chosen_among_constants(function)
        case ast.Call(func=ast.Name(id="text"), args=[ast.Constant()]):  # SQLAlchemy's
            return True
        case ast.Call(func=ast.Name(id=writer)):
            return writer.endswith("_sql")
    return False


def chosen_among_constants(function: Function) -> set[str]:
    """The names that the function gives to an element of a module's constant."""
    names = set()
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript(value=ast.Name(id=of))) if of.isupper():
                names.add(name)
            case ast.For(target=ast.Name(id=name), iter=ast.Name(id=of)) if of.isupper():
                names.add(name)
    return names


def built(tree: ast.AST) -> list[str]:
    """Each place where SQL might be built of what comes from outside."""
    found = []
    for function in functions(tree):
        found += [f"{function.name} asks {ast.unparse(s)}" for s in asked(function) if not is_constant(s, function)]
        arguments = function.args
        if function.name.endswith("_sql"):
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            kinds = {ast.unparse(each.annotation) if each.annotation else "anything" for each in every}
            found += [f"{function.name} writes SQL of {kind}" for kind in sorted(kinds - CLOSED)]
    return found


def test_what_is_asked_is_a_constant_of_the_code() -> None:
    places = modules("stream_app/store", "migrations")
    found = {name: strange for name, path in places if (strange := built(ast.parse(path.read_text())))}
    assert found == {}
    assert sum(len(list(asked(f))) for _, path in places for f in functions(ast.parse(path.read_text()))) > 50


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("async def f(c, name):\n    await c.fetch(f'SELECT {name}')", "f asks f'SELECT {name}'"),
        ("async def f(c, name):\n    await c.execute('SELECT ' + name)", "f asks 'SELECT ' + name"),
        ("async def f(c, name):\n    await c.execute('SELECT {}'.format(name))", "f asks 'SELECT {}'.format(name)"),
        ("async def f(c, sql):\n    await c.fetchval(sql)", "f asks sql"),
        ("async def f(c, name):\n    sql = f'SELECT {name}'\n    await c.fetchval(sql)", "f asks sql"),
        ("def order_sql(column: str):\n    return f'SELECT {column}'", "order_sql writes SQL of str"),
        ("def order_sql(column):\n    return f'SELECT {column}'", "order_sql writes SQL of anything"),
    ],
)
def test_the_check_sees_sql_that_is_built(code: str, told: str) -> None:
    assert built(ast.parse(code)) == [told]


@pytest.mark.parametrize(
    "code",
    [
        "async def f(c, name):\n    await c.fetch('SELECT $1', name)",
        "async def f(c, name):\n    await c.fetch(NEWEST, name)",
        "async def f(c, kind):\n    sql = BY_KIND[kind]\n    await c.fetch(sql)",
        "async def f(c, table):\n    await c.execute(lock_sql(table))",
        "def lock_sql(table: VersionedTable):\n    return f'SELECT 1 FROM {table.name}'",
    ],
)
def test_the_check_leaves_parameters_alone(code: str) -> None:
    assert built(ast.parse(code)) == []

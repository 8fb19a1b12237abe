"""Models: every id has one fingerprint, so that vectors of different models are never mixed."""

from collections.abc import Collection
from dataclasses import dataclass

from stream_app.errors import Fatal
from stream_app.store.database import Connection

REGISTER = """
    INSERT INTO models (model_id, kind, dim, fingerprint) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
FINGERPRINT = "SELECT fingerprint FROM models WHERE model_id = $1"
NAMED = """
    SELECT model_id, kind, dim, fingerprint FROM models WHERE model_id = ANY($1::text[]) ORDER BY model_id COLLATE "C"
"""

EVERY = "SELECT model_id, kind, dim, fingerprint FROM models"


@dataclass(frozen=True, slots=True)
class Model:
    """A model: its id, its kind (numeric, text or joint), its dimension, and what its vectors depend on."""

    model_id: str
    kind: str
    dim: int
    fingerprint: str


async def register(connection: Connection, model: Model) -> None:
    """Note a model at its first use; Fatal if its id stands for another model already."""
    await connection.execute(REGISTER, model.model_id, model.kind, model.dim, model.fingerprint)
    await check(connection, model)


async def check(connection: Connection, model: Model) -> None:
    """Fatal if the model's id stands for another model already; an id that is not in use is fine."""
    if await fingerprint(connection, model.model_id) not in (None, model.fingerprint):
        raise Fatal(f"{changed(model.kind, model.model_id)} `stream-app models check` compares them all.")


def changed(kind: str, model_id: str) -> str:
    """What is to be done with a model whose id stands for another one in the database."""
    return (
        f"The {kind} model {model_id} is not the one this database's vectors were made with: make it again "
        "what it was, or give the changed model an id of its own in the file that models_file names."
    )


async def all_of(connection: Connection) -> dict[str, Model]:
    """Every registered model by id."""
    return {row["model_id"]: Model(*row) for row in await connection.fetch(EVERY)}


async def fingerprint(connection: Connection, model_id: str) -> str | None:
    """The fingerprint of a registered model; None for an unknown id."""
    found: str | None = await connection.fetchval(FINGERPRINT, model_id)
    return found


async def named(connection: Connection, model_ids: Collection[str]) -> list[Model]:
    """The registered ones among some models, by id."""
    return [Model(*row) for row in await connection.fetch(NAMED, list(model_ids))]

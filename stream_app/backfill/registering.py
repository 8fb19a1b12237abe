"""Seed commands use a model under its id only where the id stands for that model or for none yet."""

from stream_app.store import models
from stream_app.store.database import Pool, connection, transaction
from stream_app.store.models import Model


async def register(pool: Pool, model: Model, dry_run: bool) -> None:
    """Note a model at its first use, or in a dry run only compare. Fatal if its id stands for another one already."""
    if dry_run:
        async with connection(pool) as conn:
            await models.check(conn, model)
    else:
        async with transaction(pool) as conn:
            await models.register(conn, model)

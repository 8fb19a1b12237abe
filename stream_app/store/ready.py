"""Whether a worker may run on a database."""

from stream_app.store import migrate, replays


async def check(database_url: str) -> None:
    """Raise, with the command that mends it, unless the database is this release's and no replay is filling it."""
    await migrate.check(database_url)
    await replays.refuse_unfinished(database_url)

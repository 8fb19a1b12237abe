"""What a worker imports and does not share with a test: loaded once by the fork server, so that workers start at once.

Nothing of the product's stages is in here, and no thread is started: a worker that is forked from it runs the command
`stream-app worker` from the start.
"""

import aiokafka
import alembic.command
import asyncpg
import exchange_calendars
import faust
import pydantic_settings
import rich.logging
import sqlalchemy.ext.asyncio
import torch
import typer

from stream_app.encoding import transformer

LOADED = (
    aiokafka,
    alembic.command,
    asyncpg,
    exchange_calendars,
    faust,
    pydantic_settings,
    rich.logging,
    sqlalchemy.ext.asyncio,
    transformer,
    typer,
)

torch.set_num_threads(1)

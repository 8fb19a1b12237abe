"""Loads the text encoder beside the event loop, for as long as its model may take for an answer."""

import asyncio
from functools import partial

from stream_app.encoding.encoder import TextEncoder
from stream_app.encoding.spec import TextModelSpec
from stream_app.encoding.worker_threads import WorkerThreads
from stream_app.errors import ModelHung
from stream_app.setting_types import Device


async def load_encoder(
    spec: TextModelSpec, token_budget: int, deadline_seconds: float, device: Device = "auto"
) -> TextEncoder:
    """`TextEncoder.load` in a thread that keeps no process from ending.

    Raises ModelHung when the model is not loaded by the deadline, else what `load` raises.
    """
    threads = WorkerThreads("text-model-loading")
    loading = threads.submit(partial(TextEncoder.load, spec, token_budget, deadline_seconds, device))
    try:
        async with asyncio.timeout(deadline_seconds):
            return await asyncio.wrap_future(loading)
    except TimeoutError:
        raise ModelHung(f"The text model was not loaded within {deadline_seconds:g} s.") from None
    finally:
        threads.close(0.0)

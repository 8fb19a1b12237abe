"""A consumer in another language reads the contexts with nothing but the AsyncAPI document: examples/node."""

import asyncio
import hashlib
import json
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas import JointRegimeContext
from schemas.topics import CONTEXTS
from tests.integration.pipeline import Place
from tests.integration.positions.history import SETTINGS, amended, live, prices
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "node"
NODE = Path(sysconfig.get_path("scripts"), "node")
NODE_SECONDS = 60.0


@pytest.mark.skipif(not (EXAMPLE / "node_modules").exists(), reason="`make test` installs examples/node first")
async def test_the_example_prints_each_context_once_and_goes_on_after_what_it_committed(
    place: Place, model: QuickModel
) -> None:
    async with place.pipeline(**SETTINGS) as path, stepping(path, model) as steps:
        await live(path, steps)
        begun = [told(context) for context in await path.contexts()]
        assert await printed(place, "a", 2) + await printed(place, "a", 1) == begun
        for record in await path.read(CONTEXTS.name):
            await path.send_raw(CONTEXTS.name, record.partition, (record.key, record.value))
        await path.send(*prices(1.0)[-2:])
        await amended(steps)
        changed = [told(context) for context in await path.contexts() if context.revision == 2]
        assert changed
        assert await printed(place, "b", len(begun) + len(changed)) == begun + changed


def told(context: JointRegimeContext) -> dict[str, Any]:
    """What the example must print of it."""
    assert context.vector is not None
    return {
        "region": context.region,
        "as_of": str(context.as_of),
        "model_id": context.model_id,
        "revision": context.revision,
        "regime_label": context.regime_label,
        "l2_norm": pytest.approx(float(np.linalg.norm(context.vector.numpy()))),
        "vector_sha256": hashlib.sha256(context.vector.data).hexdigest(),
    }


async def printed(place: Place, group: str, count: int) -> list[dict[str, Any]]:
    """What the example prints, as a group, until it has so many contexts."""
    words = ("--asyncapi", "../../schemas/asyncapi.json", "--brokers", place.endpoints.kafka.servers)
    more = ("--prefix", place.topic_prefix, "--group", f"{place.topic_prefix}{group}", "--count", str(count))
    process = await asyncio.create_subprocess_exec(
        NODE, "contexts.js", *words, *more, cwd=EXAMPLE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(NODE_SECONDS):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, errors.decode()
    return [json.loads(line) for line in output.splitlines()]

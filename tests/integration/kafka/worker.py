"""A worker in a process of its own: writes what it handles to a file, and can be made to wait in its handler.

python -m tests.integration.kafka.worker KAFKA_URL TOPIC FILE [GATE]; GATE is a named pipe that the handler reads to its
end once, for the first chunk.
"""

import asyncio
import sys
from pathlib import Path

from stream_app.config import load_settings
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.chunks import Chunk
from stream_app.kafka.stage import run_stage
from tests.integration.kafka.recording import Recorder, stage


def main(kafka_url: str, topic: str, file: str, gate: str | None = None) -> None:
    """Run until SIGTERM."""
    with open(file, "a", encoding="ascii", buffering=1) as lines:
        gates = [gate] if gate else []

        async def work(chunk: Chunk) -> None:
            if gates:
                lines.write("waiting\n")
                await asyncio.to_thread(Path(gates.pop()).read_bytes)
            lines.write(f"{chunk.partition} {chunk.first_offset} {chunk.last_offset}\n")

        async def run() -> None:
            await run_stage(stage(topic, Recorder(work)), KafkaAccess(kafka_url), load_settings())

        asyncio.run(run())


if __name__ == "__main__":
    main(*sys.argv[1:])

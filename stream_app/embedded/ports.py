"""Loopback ports that a service keeps over restarts, so that its address stays the same."""

import json
import random
import socket
from pathlib import Path

from stream_app.embedded.files import write_atomically
from stream_app.errors import Fatal

LOOPBACK = "127.0.0.1"
# Below Linux's ephemeral range (32768-60999), so that no outgoing connection takes a stopped service's port.
PORTS = range(20_000, 32_768)
ATTEMPTS = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now; connections in TIME_WAIT do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def stored_ports(path: Path) -> list[int]:
    """The ports kept in `path`; none where nothing was kept."""
    try:
        return [int(port) for port in json.loads(path.read_text())]
    except (FileNotFoundError, ValueError, TypeError):
        return []


def keep_ports(path: Path, count: int) -> list[int]:
    """The ports kept in `path` if all of them are free, else `count` new ones, which are kept there."""
    ports = stored_ports(path)
    if len(ports) == count and all(map(is_free, ports)):
        return ports
    chosen = _choose(count)
    write_atomically(path, json.dumps(chosen))
    return chosen


def _choose(count: int) -> list[int]:
    free = [port for port in random.sample(PORTS, ATTEMPTS) if is_free(port)]
    if len(free) < count:
        raise Fatal(f"No loopback port between {PORTS.start} and {PORTS.stop - 1} is free; end what holds them.")
    return free[:count]

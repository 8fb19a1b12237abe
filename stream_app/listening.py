"""Where a server listens, as people read it, and why it cannot."""

import os


def address(host: str, port: int) -> str:
    """Host and port as they stand in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def why_not(error: OSError) -> str:
    """Without the address, which asyncio puts before it; a name that is not found has a number below 0."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else str(error.strerror)

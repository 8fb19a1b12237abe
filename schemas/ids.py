"""Deterministic ids: what is the same gets the same id, wherever and whenever it is made."""

import hashlib


def event_id(*parts: object) -> str:
    """32 hexadecimal digits of sha256 over the parts; bytes count as they are, everything else as its text."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:32]

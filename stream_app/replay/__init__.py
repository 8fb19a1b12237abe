"""Replay: contexts from the log into an empty database, or again from a full one's stored records."""

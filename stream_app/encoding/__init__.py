"""Turns news texts into vectors: one text model, in threads of its own."""

from stream_app.encoding.encoder import Encoded, TextEncoder

__all__ = ["Encoded", "TextEncoder"]

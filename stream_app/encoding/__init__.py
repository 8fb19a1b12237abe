"""Turns news texts into vectors: one text model, in threads of its own."""

from stream_app.encoding.encoder import Encoded, TextEncoder
from stream_app.encoding.loading import load_encoder
from stream_app.encoding.spec import TextModelSpec

__all__ = ["Encoded", "TextEncoder", "TextModelSpec", "load_encoder"]

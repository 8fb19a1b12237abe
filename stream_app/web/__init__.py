"""The read API: what is stored, over HTTP, and what becomes known as it does. It writes nothing."""

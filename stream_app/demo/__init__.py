"""The demo: the packaged sample through a real broker, a real Postgres and a worker, and what comes of it."""
